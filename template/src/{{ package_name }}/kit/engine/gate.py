"""What keeps jobs from running while something that they need is away."""

from __future__ import annotations

from .errors import OutageError


class Gate:
    """Lets every job through. Its subclass knows of outages."""

    def shut(self) -> bool:
        """Whether no job could run now, so that the worker takes none."""
        return False

    def hold(self, path: str) -> OutageError | None:
        """Return why a job of this function must not begin now, and until when."""
        del path
        return None

    def met(self, path: str, error: OutageError) -> None:
        """Note that a job of this function met an outage."""

    def away(self) -> str:
        """Describe what is away, for health checks and `stats`; empty when nothing is."""
        return ""
