# publish.py of an API server: it needs `rq` and `redis`, nothing of this repository
import json
import os

from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

redis = Redis.from_url(os.environ["REDIS_URL"])
QUEUE = "{{ queue_name }}"
queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer)
ENDED = ("finished", "failed", "stopped", "canceled")


def publish(function, payload, job_id):
    """Queue a job. Return False if a job with this ID is already waiting or running."""

    def attempt(pipeline):
        try:
            old = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)
        except NoSuchJobError:
            old = None
        if old and old.get_status(refresh=False) not in ENDED:
            return False
        pipeline.multi()
        if old:
            old.delete(pipeline=pipeline)
        queue.enqueue(function, payload, job_id=job_id, description=function, pipeline=pipeline)
        return True

    # redis-py calls `attempt` again when another client changes the job meanwhile.
    return redis.transaction(attempt, Job.key_for(job_id), value_from_callable=True)
