"""Closed and full streams, no home, a poor locale, odd names: no traceback, no wrong advice."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from command import command


def shell(
    redirection: str, *arguments: str, cwd: Path, template: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command under a shell that redirects its streams."""
    words = command(*arguments, template=template)
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *words],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("redirection", ["<&-", "2>&-", "<&- 2>&-"])
def test_closed_streams_do_not_matter(
    tmp_path: Path, sample_template: Path, redirection: str
) -> None:
    """A daemon may start us so."""
    done = shell(redirection, "payment", cwd=tmp_path, template=sample_template)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "worker-payment" / ".git").is_dir()


@pytest.mark.parametrize(("redirection", "why"), [(">&-", "closed"), (">/dev/full", "No space")])
def test_an_output_that_takes_nothing_is_one_sentence(
    tmp_path: Path, sample_template: Path, redirection: str, why: str
) -> None:
    """The repository is there; the exit code says that its description is not."""
    for arguments in (("payment", "--no-git"), ("list", "--json")):
        done = shell(redirection, *arguments, cwd=tmp_path, template=sample_template)
        assert done.returncode == 1
        assert why in done.stderr
        assert done.stderr.count("\n") <= 2
        assert "Traceback" not in done.stderr
    assert (tmp_path / "worker-payment").is_dir()


def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path, sample_template: Path) -> None:
    """As with `| head -1`."""
    done = shell("| true", "payment", "--dry-run", cwd=tmp_path, template=sample_template)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)


def test_a_locale_without_the_character_shows_an_escape(
    tmp_path: Path, sample_template: Path
) -> None:
    """The tree is drawn with characters that Latin-1 lacks."""
    done = shell(
        *("", "payment", "--dry-run"),
        cwd=tmp_path,
        template=sample_template,
        LC_ALL="C",
        PYTHONIOENCODING="latin-1",
        PYTHONUTF8="0",
    )
    assert done.returncode == 0, done.stderr
    assert "\\u251c" in done.stdout


def test_without_a_home_it_works_or_says_so(tmp_path: Path, sample_template: Path) -> None:
    """The cache needs a folder; making a repository does not."""
    hide = "import os, pwd; os.environ.pop('HOME', None); os.environ.pop('XDG_CACHE_HOME', None); "
    hide += "pwd.getpwuid = lambda _: (_ for _ in ()).throw(KeyError('nobody'))"
    words = command("payment", template=sample_template, before=hide)
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    words = command("status", "worker-payment", template=sample_template, before=hide)
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_a_folder_that_begins_with_a_hyphen_is_no_option(
    tmp_path: Path, sample_template: Path
) -> None:
    """What is printed can be typed."""
    done = shell("", "payment", "--dir=-odd", cwd=tmp_path, template=sample_template)
    assert done.returncode == 0, done.stderr
    assert "cd ./-odd/worker-payment" in done.stdout
