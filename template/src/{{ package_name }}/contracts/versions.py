"""Payloads with a version, so that a changed contract can roll out under load.

A payload without a version on the wire is version 1. A `VersionedPayload` sends its version as
`payloadVersion`. What is older than the worker is brought up to date by `upgrade`; what is newer
waits for a newer worker; what cannot be read is kept with the failed jobs. Nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from ..engine import Payload, TemporaryError

VERSION_KEY = "payloadVersion"
_PATIENCE = 30.0  # seconds until a newer worker is looked for again


class VersionedPayload(Payload):
    """A payload whose contract has changed at least once.

    For instance:

        class ApprovePayload(VersionedPayload):
            version = 2
            order_id: str
            currency: str

            @classmethod
            def upgrade(cls, values, version):
                return values | {"currency": "KRW"}  # what version 1 meant
    """

    version: ClassVar[int] = 2

    @classmethod
    def upgrade(cls, values: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG003
        """Bring an older payload up to date.

        Args:
            values: The payload as it came.
            version: Its version, less than this class's.

        Returns:
            The payload as this version has it.
        """
        return values

    @model_serializer(mode="wrap")
    def _with_version(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = dump(self)
        return found | {VERSION_KEY: self.version}

    @model_validator(mode="before")
    @classmethod
    def _understand(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        found = dict(values)
        # Built in Python it has no version because it is of this one; on the wire it is of the first.
        names = {name for name, field in cls.model_fields.items() if name != field.alias}
        version = found.pop(VERSION_KEY, cls.version if names & found.keys() else 1)
        if not isinstance(version, int) or version < 1:
            raise ValueError(f"{VERSION_KEY} must be a number from 1")
        if version > cls.version:
            raise TemporaryError(
                f"payload of version {version}, this worker knows {cls.version}: "
                "a newer worker is needed",
                retry_after=_PATIENCE,
            )
        if version == cls.version:
            return found
        try:
            return cls.upgrade(found, version)
        except Exception as error:
            # Without the error's text: it may repeat the payload.
            problem = f"version {version} cannot be brought up to date ({type(error).__name__})"
            raise ValueError(problem) from None
