"""The exit codes of the worker's commands, for scripts and for what restarts the worker."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. A cause that waiting does not cure has a code of its own."""

    OK = 0  # done; of `run`: drained, what did not end in time was given back
    FAILED = 1  # a check failed, a job was not found, or the worker crashed
    SETTINGS = 2  # wrong variables, options or payload
    NOT_READY = 2  # of `health --ready`: alive, but Redis or something the jobs need is away
    REDIS = 3  # Redis refuses the password, or a command other than `run` cannot reach it
    DATABASE = 4  # the database refuses, or a command other than `run` cannot reach it
    STUCK = 5  # a job went on long after its timeout: it was failed, and a fresh process is needed
    INTERRUPTED = 130  # Ctrl-C
    TERMINATED = 143  # SIGTERM before the first job was taken


HOPELESS = frozenset({ExitCode.SETTINGS, ExitCode.REDIS, ExitCode.DATABASE})
"""Codes of `run` that a fresh process would end with as well: what is configured must change."""
