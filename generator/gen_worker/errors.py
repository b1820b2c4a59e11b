"""The error family of the generator, and the one place that turns an error into a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import NamedTuple


class GenWorkerError(Exception):
    """Something the user can understand and act on; its text is one sentence or two."""

    exit_code = 1


class UserMistakeError(GenWorkerError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class InvalidNameError(UserMistakeError):
    """The worker's name breaks a rule."""


class UnknownChoiceError(UserMistakeError):
    """A preset, module, question or choice that does not exist."""


class InvalidAnswerError(UserMistakeError):
    """A question exists but refuses the answer.

    Attributes:
        question: The question's name; None when the answer names none.
    """

    def __init__(self, sentence: str, question: str | None = None) -> None:
        """Remember the question beside the sentence."""
        super().__init__(sentence)
        self.question = question


class TargetError(GenWorkerError):
    """The folder to write cannot be written, or holds something already."""


class TemplateError(GenWorkerError):
    """The template itself is broken or uses what this generator does not support."""


class RepositoryError(GenWorkerError):
    """Git refused to make the repository or its first commit."""


class UpdateError(GenWorkerError):
    """A repository cannot be updated as it is; nothing in it was changed."""


class NotAWorkerError(UpdateError):
    """The folder is no repository that this generator made."""


class ClientError(GenWorkerError):
    """No client can be made of a contract, or the one that is there is out of date."""


class OutputError(GenWorkerError):
    """The result is there but cannot be printed."""


class InterruptedRunError(GenWorkerError):
    """The user stopped the run (Ctrl-C, Ctrl-D at a prompt, SIGTERM, SIGHUP)."""

    exit_code = 130

    def __init__(self, sentence: str = "Stopped; nothing was written.") -> None:
        """Describe what the stopped run left."""
        super().__init__(sentence)


class Failure(NamedTuple):
    """What a failed run tells its user."""

    sentence: str
    exit_code: int


_OS_REASONS = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would be larger than the limit allows",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.ENAMETOOLONG: "the path is too long",
}


def explain(error: BaseException) -> Failure | None:
    """Turn an error into what the user reads and the exit code.

    Returns:
        The sentence and the exit code, or None for a defect, whose traceback must show.
    """
    if isinstance(error, GenWorkerError):
        return Failure(str(error), error.exit_code)
    if isinstance(error, (KeyboardInterrupt, EOFError)):
        return explain(InterruptedRunError())
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        reason = _OS_REASONS.get(error.errno or 0) or (error.strerror or "input or output failed")
        where = f" at {error.filename}" if error.filename else ""
        return Failure(f"Nothing was written: {reason}{where}.", TargetError.exit_code)
    return None


def defect(error: Exception) -> str:
    """Name a defect where a traceback would hide how the other repositories stand.

    Returns:
        Its kind and its text in one line.
    """
    text = " ".join(str(error).split())
    return f"gen-worker has a defect: {type(error).__name__}: {text}"


def near_match(word: str, known: Iterable[str]) -> str:
    """Return what the user may have meant.

    Args:
        word: What was typed.
        known: Everything that would have been right.

    Returns:
        `Did you mean "x"?`, or the whole list when nothing is close.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    names = list(known)
    for close in get_close_matches(word.lower(), names, n=1, cutoff=0.6):
        return f'Did you mean "{close}"?'
    return f"Available: {', '.join(names)}." if names else "None is available."
