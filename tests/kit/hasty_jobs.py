"""The program's jobs, in a worker that gives up a job soon after it has tried twice to end it."""

from __future__ import annotations

from functools import partial

import program_jobs  # noqa: F401 - registers them
from worker_payment.kit.engine import Options
from worker_payment.kit.engine.run import deadlines
from worker_payment.kit.process import runner

vars(deadlines)["_AGAIN"] = 0.2
vars(runner)["Options"] = partial(Options, overrun=1.0)
