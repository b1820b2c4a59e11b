"""The payload contract: typed Python inside, camelCase JSON on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from ..errors import NewerPayloadError, PayloadError

VERSION_KEY = "payloadVersion"
_PATIENCE = 30.0  # seconds until a newer worker is looked for again


class Payload(BaseModel):
    """Base of every payload: `order_id` in Python is `orderId` on the wire.

    Unknown keys are ignored, so that a publisher may be newer than the worker.

    A change that old payloads would fail by raises the version, for instance:

        class ApprovePayload(Payload):
            payload_version = 2
            order_id: str
            currency: str

            @classmethod
            def upgrade_payload(cls, values, version):
                return values | {"currency": "KRW"}  # what version 1 meant

    From then on it travels with `payloadVersion`; a payload without one is version 1. What is
    older than the worker is brought up to date, what is newer waits for a newer worker, what
    cannot be read is kept with the failed jobs: nothing is lost while a change rolls out.
    """

    payload_version: ClassVar[int] = 1

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="ignore",
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a field in the place of the version."""
        super().__pydantic_init_subclass__(**kwargs)
        if any(VERSION_KEY in (name, each.alias) for name, each in cls.model_fields.items()):
            raise TypeError(f"{cls.__name__}: no field may be called {VERSION_KEY}")

    @classmethod
    def upgrade_payload(cls, values: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG003
        """Bring an older payload up to date.

        Args:
            values: The payload as it came.
            version: Its version, less than this class's.

        Returns:
            The payload as this version has it.
        """
        return values


P = TypeVar("P", bound=Payload)
P_contra = TypeVar("P_contra", bound=Payload, contravariant=True)


def load_payload(model: type[P], value: object, job_type: str) -> P:
    """Check a payload that came from the queue.

    Args:
        model: The processor's payload model.
        value: What the publisher sent: a mapping, or the model itself.
        job_type: Name of the job, for the message.

    Raises:
        PayloadError: It does not fit; the message names the fields and never their values.
        NewerPayloadError: It is of a version that this worker does not know.
    """
    if isinstance(value, model):
        return value
    if type(value) is not dict and not isinstance(value, Mapping):
        raise PayloadError(f"payload of {job_type}: expected a JSON object")
    try:
        return model.model_validate(_of_this_version(model, value, job_type))
    except ValidationError as error:
        # `from None`: pydantic's own text repeats the input, which may be personal data.
        raise PayloadError(f"payload of {job_type}: {describe(error)}") from None


def dump_payload(payload: Payload) -> dict[str, Any]:
    """The payload as it travels: JSON types under camelCase keys, and its version from 2 on."""
    values = payload.model_dump(mode="json", by_alias=True)
    if payload.payload_version > 1:
        values[VERSION_KEY] = payload.payload_version
    return values


def payload_json(payload: Payload) -> bytes:
    """The payload as it travels, as compact UTF-8; see `dump_payload`."""
    text = payload.__pydantic_serializer__.to_json(payload, by_alias=True)
    if payload.payload_version == 1:
        return text
    version = b'"%b":%d}' % (VERSION_KEY.encode(), payload.payload_version)
    return text[:-1] + (version if text == b"{}" else b"," + version)


def _of_this_version(
    model: type[Payload], value: Mapping[str, Any], job_type: str
) -> Mapping[str, Any]:
    if VERSION_KEY not in value and model.payload_version == 1:
        return value
    version, known = value.get(VERSION_KEY, 1), model.payload_version
    if not isinstance(version, int) or version < 1:
        raise PayloadError(f"payload of {job_type}: {VERSION_KEY} must be a whole number from 1")
    if version > known:
        raise NewerPayloadError(
            f"payload of {job_type} has version {version}, this worker knows {known}: "
            "a newer worker is needed",
            retry_after=_PATIENCE,
        )
    values = {key: each for key, each in value.items() if key != VERSION_KEY}
    if version == known:
        return values
    try:
        return model.upgrade_payload(values, version)
    except Exception as error:
        # Without the error's text: it may repeat the payload.
        raise PayloadError(
            f"payload of {job_type}: version {version} cannot be brought up to date "
            f"({type(error).__name__})"
        ) from None


def describe(error: ValidationError) -> str:
    """Name every field that does not fit, and why, without the values."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'payload'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    )
