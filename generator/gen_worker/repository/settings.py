"""The environment in which git runs: the same for every user, whatever their settings are.

What the owner decides stays the owner's: who commits, signing, ignored files, line ends, filters,
hooks. What only changes how git shows things, what it follows or which programs it starts is fixed
here, in one place.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping


class Trust(enum.Enum):
    """What a git command may do with the settings it meets.

    Attributes:
        NONE: Read them, but start no program they name: no hook, filter, monitor or transport.
        FILTERS: Start filters, because the owner asked for a change of this working tree.
        HOOKS: Start hooks too, because the command makes the owner's commit or pushes it.
        FETCH: Reach a server the way the user's own settings say.
        PRIVATE: Ignore everybody's settings; for repositories that gen-worker made for itself.
    """

    NONE = enum.auto()
    FILTERS = enum.auto()
    HOOKS = enum.auto()
    FETCH = enum.auto()
    PRIVATE = enum.auto()


# Of the variables that git reads, only these are passed on. Others lead to another repository
# (GIT_DIR, GIT_NAMESPACE), change what paths mean (GIT_ICASE_PATHSPECS), start programs
# (GIT_EXTERNAL_DIFF) or write into the output (GIT_TRACE).
_KEPT = (
    "GIT_AUTHOR_",  # who commits, and when
    "GIT_COMMITTER_",
    "GIT_CONFIG_",  # where the user's settings are
    "GIT_SSH",  # how the user reaches servers
    "GIT_ASKPASS",
    "GIT_SSL_",
    "GIT_HTTP_",
    "GIT_PROXY_",
    "GIT_EXEC_PATH",  # where git itself is
    "GIT_CEILING_DIRECTORIES",  # where to stop looking for a repository
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
)
_DROPPED = ("GIT_CONFIG_PARAMETERS",)  # of an outer `git -c`, whose hook or alias we may be

_FIXED = {
    # Programs: nothing is watched, paged or tidied up behind our back.
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
    # A folder that only looks like a repository, inside of a clone, is none.
    "safe.bareRepository": "explicit",
    # Output that is read by a program.
    "color.ui": "false",
    "color.branch": "false",
    "color.diff": "false",
    "color.grep": "false",
    "color.status": "false",
    "column.ui": "never",
    "column.branch": "never",
    "column.status": "never",
    "column.tag": "never",
    "core.abbrev": "auto",
    "core.quotePath": "false",
    "log.showSignature": "false",
    "status.aheadBehind": "true",
    "status.showStash": "false",
    # What is found and compared.
    "diff.ignoreSubmodules": "none",
    "diff.relative": "false",
    "grep.fallbackToNoIndex": "false",
    "grep.fullName": "false",
    "grep.patternType": "default",
    "submodule.recurse": "false",  # git grep refuses it beside untracked files
    # Line ends are converted without asking whether the way back leads to the same bytes.
    "core.safecrlf": "false",
    # An index that we copy must be whole.
    "core.splitIndex": "false",
    "index.sparse": "false",
    # What is pushed is what we name.
    "push.followTags": "false",
    "push.recurseSubmodules": "no",
}
_PRIVATE = {
    "commit.gpgSign": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "user.email": "gen-worker@localhost",
    "user.name": "gen-worker",
}
_TRANSPORTS = "file:git:http:https:ssh"  # no ext::, which runs a program


def settings(trust: Trust) -> list[str]:
    """Return the options that go before git's command."""
    chosen = dict(_FIXED)
    if trust is Trust.HOOKS:
        del chosen["core.hooksPath"]
    if trust is Trust.PRIVATE:
        chosen |= _PRIVATE
    return [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]


def environment(trust: Trust, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which git runs.

    Args:
        trust: What the command may do.
        extra: Variables to add.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or (name.startswith(_KEPT) and name not in _DROPPED)
    }
    if trust is Trust.PRIVATE:
        kept = {name: value for name, value in kept.items() if not name.startswith("GIT_")}
        kept |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    talks = trust in {Trust.FETCH, Trust.HOOKS}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": _TRANSPORTS if talks else "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        **extra,
    }
