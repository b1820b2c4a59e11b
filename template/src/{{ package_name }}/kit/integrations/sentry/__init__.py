"""Sentry: jobs that failed for good, each reported once, without payload and personal data.

Nothing is called by processors; `sentry_sdk` itself works in them, in a scope per attempt.
"""

from __future__ import annotations

from .settings import SentrySettings

__all__ = ["SentrySettings"]
