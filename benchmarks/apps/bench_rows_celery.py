"""Jobs with a row for Celery, without a result backend: its fastest form."""

from __future__ import annotations

import os

from bench_rows import insert_row, names
from celery import Celery

app = Celery("bench_rows_celery", broker=os.environ["REDIS_URL"])


@app.task(name="bench.row")
def job(name: str) -> None:
    """Do one job."""
    insert_row(name)


if __name__ == "__main__":
    for each in names():
        job.delay(each)
