"""What publishers rely on: payloads have versions, and changes that break them are caught."""

from .versions import VersionedPayload

__all__ = ["VersionedPayload"]
