"""An example to copy: say hello."""

from __future__ import annotations

from pydantic import Field

from ..kit import Payload, PermanentError, get_logger, processor

log = get_logger(__name__)


class HelloPayload(Payload):
    """`{"name": "world"}`"""

    name: str = Field(min_length=1, max_length=100)


@processor(attempts=3, timeout=30, job_id="hello-{name}")
def hello(payload: HelloPayload) -> dict[str, str]:
    """Greet somebody. The same name waits or runs only once."""
    if payload.name == "nobody":
        raise PermanentError("there is nobody to greet")  # no retry: it will not change
    # Do the work here. Anything else that is raised is retried by the policy above.
    log.info("example.greeted")
    return {"greeting": f"Hello, {payload.name}!"}
