"""The real command line, with the tests' jobs in place of the worker's own.

A dead worker's jobs are found in half the time that the settings allow.
"""

import database_jobs  # noqa: F401 - registers them

from worker_payment.__main__ import main
from worker_payment.kit.engine import Options
from worker_payment.kit.process import runner

vars(runner)["Options"] = lambda **given: Options(**given | {"lease": 2})
main()
