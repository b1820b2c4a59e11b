"""The engine: a concurrent RQ worker, the job policy and the payload contract.

It is self-contained and owned by the template: updates replace it. Owners use what is
named here and write their own code in `processors/`.
"""

from .contract import Payload
from .deadlines import overdue
from .errors import (
    Duplicate,
    JobError,
    NewerPayloadError,
    PayloadError,
    PermanentError,
    TemporaryError,
    UnknownJobError,
)
from .limits import AtOnce, Rate
from .observers import Attempt, Ending, Observer, Publication, observe
from .options import Options
from .outcomes import FailedJob
from .policy import Backoff, Policy
from .processor import (
    JobContext,
    Processor,
    find_processor,
    processor,
    processors,
    provide,
)
from .publish import Publisher, Receipt, publish_to
from .worker import ThreadWorker

__all__ = [
    "AtOnce",
    "Attempt",
    "Backoff",
    "Duplicate",
    "Ending",
    "FailedJob",
    "JobContext",
    "JobError",
    "NewerPayloadError",
    "Observer",
    "Options",
    "Payload",
    "PayloadError",
    "PermanentError",
    "Policy",
    "Processor",
    "Publication",
    "Publisher",
    "Rate",
    "Receipt",
    "TemporaryError",
    "ThreadWorker",
    "UnknownJobError",
    "find_processor",
    "observe",
    "overdue",
    "processor",
    "processors",
    "provide",
    "publish_to",
]
