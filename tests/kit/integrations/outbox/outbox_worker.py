"""The real command line, with the tests' jobs in place of the worker's own."""

import outbox_jobs  # noqa: F401 - registers them

from worker_payment.__main__ import main

main()
