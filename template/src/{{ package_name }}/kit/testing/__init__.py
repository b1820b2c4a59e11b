"""Helpers for the tests of this worker: a pytest plugin, a real server, the real program.

`tests/conftest.py` loads the plugin; its fixture `worker` is what most tests need.
"""

from .program import Program, run_program
from .server import RedisServer, eventually, free_port

__all__ = ["Program", "RedisServer", "eventually", "free_port", "run_program"]
