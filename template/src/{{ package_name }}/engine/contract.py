"""The payload contract: typed Python inside, camelCase JSON on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from .errors import PayloadError


class Payload(BaseModel):
    """Base of every payload: `order_id` in Python is `orderId` on the wire.

    Unknown keys are ignored, so that a publisher may be newer than the worker.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="ignore",
    )


P = TypeVar("P", bound=Payload)


def load_payload(model: type[P], value: object, job_type: str) -> P:
    """Check a payload that came from the queue.

    Args:
        model: The processor's payload model.
        value: What the publisher sent: a mapping, or the model itself.
        job_type: Name of the job, for the message.

    Raises:
        PayloadError: It does not fit; the message names the fields and never their values.
    """
    if isinstance(value, model):
        return value
    if not isinstance(value, Mapping):
        raise PayloadError(f"payload of {job_type}: expected a JSON object")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        # `from None`: pydantic's own text repeats the input, which may be personal data.
        raise PayloadError(f"payload of {job_type}: {describe(error)}") from None


def dump_payload(payload: Payload) -> dict[str, Any]:
    """The payload as it travels: JSON types under camelCase keys."""
    return payload.model_dump(mode="json", by_alias=True)


def describe(error: ValidationError) -> str:
    """Name every field that does not fit, and why, without the values."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'payload'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    )
