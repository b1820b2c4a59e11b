"""The systems that are compared, a file each. A new file is added to the list below."""

from __future__ import annotations

from contenders import arq, bullmq, celery, dramatiq, ours, rq, taskiq
from contenders.base import Contender, Home

__all__ = ["CONTENDERS", "Contender", "Home"]

CONTENDERS: list[Contender] = [
    contender
    for module in (ours, dramatiq, bullmq, celery, taskiq, arq, rq)
    for contender in module.CONTENDERS
]
