"""The systems that are compared, a file each. A new file is added to the list below."""

from __future__ import annotations

from contenders import (
    arq,
    bullmq,
    bullmq_python,
    celery,
    dramatiq,
    huey,
    ours,
    rq,
    saq,
    streaq,
    taskiq,
)
from contenders.base import Contender, Home

__all__ = ["CONTENDERS", "Contender", "Home"]

_MODULES = (ours, dramatiq, bullmq, bullmq_python, celery, taskiq, arq, streaq, saq, huey, rq)

CONTENDERS: list[Contender] = [contender for module in _MODULES for contender in module.CONTENDERS]
