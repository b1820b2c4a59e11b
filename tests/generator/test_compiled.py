"""What Jinja compiled is kept for later runs, where nobody else can put anything else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from command import contents, run
from gen_worker.new.create import Request, create
from gen_worker.new.flags import Choices
from gen_worker.template.compiled import _of_folder
from gen_worker.template.render import _literal_excludes
from pathspec import PathSpec
from rendering import PROJECT


@pytest.fixture
def template(sample_template: Path, tmp_path: Path) -> Path:
    """A copy of the sample template that a test may change."""
    return Path(shutil.copytree(sample_template, tmp_path / "template"))


@pytest.fixture
def make(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], int]]:
    """Makes a worker as a new run would, with a cache of the test's own.

    It returns how many texts Jinja compiled.
    """
    compiled, texts = jinja2.Environment.compile, []

    def counted(*words: Any, **options: Any) -> Any:
        texts.append(words)
        return compiled(*words, **options)

    def make(name: str) -> int:
        texts.clear()
        _of_folder.cache_clear()  # a new process knows nothing
        create(Request(Choices(name, "payment"), tmp_path, template, git=False))
        return len(texts)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    yield make
    _of_folder.cache_clear()


def kept(tmp_path: Path) -> Path:
    """Find the file in which compiled templates are kept."""
    (file,) = (tmp_path / "cache" / "gen-worker" / "compiled").iterdir()
    return file


def test_a_later_run_compiles_nothing(make: Callable[[str], int], tmp_path: Path) -> None:
    """And gives the same files; a cache of compiled code is private from the start."""
    assert make("x") > 0
    assert kept(tmp_path).stat().st_mode & 0o777 == 0o600
    assert kept(tmp_path).parent.stat().st_mode & 0o777 == 0o700
    first = contents(tmp_path / "worker-x")
    shutil.rmtree(tmp_path / "worker-x")
    assert make("x") == 0
    assert contents(tmp_path / "worker-x") == first


def test_what_was_changed_is_compiled_anew(
    make: Callable[[str], int], template: Path, tmp_path: Path
) -> None:
    """One file, and nothing else."""
    make("x")
    (template / "template" / "twice.txt.jinja").write_text("changed {{ worker_type }}\n")
    assert make("y") == 1
    assert (tmp_path / "worker-y" / "twice.txt").read_text() == "changed y\n"
    assert make("z") == 0


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_write_to_is_not_used(
    make: Callable[[str], int], tmp_path: Path, mode: int
) -> None:
    """Whatever lies in it could be somebody else's code."""
    every = make("x")
    kept(tmp_path).parent.chmod(mode)
    before = kept(tmp_path).stat()
    assert make("y") == every
    assert kept(tmp_path).stat() == before


def test_a_file_that_others_write_to_is_not_read(
    make: Callable[[str], int], tmp_path: Path
) -> None:
    """It is replaced by one of the user's own."""
    every = make("x")
    kept(tmp_path).chmod(0o666)
    assert make("y") == every
    assert kept(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_link_is_not_followed(make: Callable[[str], int], tmp_path: Path) -> None:
    """Not even to a good file."""
    every = make("x")
    elsewhere = kept(tmp_path).rename(tmp_path / "elsewhere")
    place = tmp_path / "cache" / "gen-worker" / "compiled" / "link"
    place.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    place.rename(place.with_name(_name_of_kept(make, tmp_path)))
    assert make("z") == every
    assert elsewhere.read_bytes() == before


def _name_of_kept(make: Callable[[str], int], tmp_path: Path) -> str:
    """Let a run make the file again; return its name and remove it."""
    make("y")
    folder = tmp_path / "cache" / "gen-worker" / "compiled"
    (file,) = (one for one in folder.iterdir() if not one.is_symlink())
    file.unlink()
    return file.name


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 5000], ids=len)
def test_a_damaged_file_is_replaced(
    make: Callable[[str], int], tmp_path: Path, damage: bytes
) -> None:
    """It costs one slow run."""
    every = make("x")
    kept(tmp_path).write_bytes(damage)
    assert make("y") == every
    assert make("z") == 0


def test_no_place_for_a_cache_is_no_failure(make: Callable[[str], int], tmp_path: Path) -> None:
    """Here a file lies where the folder would be."""
    (tmp_path / "cache").write_text("")
    assert make("x") == make("y") > 0


def test_the_projects_template_needs_no_pathspec(tmp_path: Path) -> None:
    """Its excludes have no special characters; those packages load slower than they match."""
    watch = (
        "import atexit, sys; "
        "atexit.register(lambda: print('pathspec' in sys.modules, file=sys.stderr))"
    )
    done = run("payment", "--dry-run", "--quiet", cwd=tmp_path, before=watch)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "False")


def test_plain_excludes_mean_what_they_mean_to_copier() -> None:
    """Names at every depth, paths from the top only, and all that lies below both."""
    patterns = ["name", ".hidden", "/top", "/a/b", "a/c.py", "x-y_z.txt"]
    spec = PathSpec.from_lines("gitignore", patterns)
    excluded = _literal_excludes(patterns)
    names = ["name", ".hidden", "top", "a", "b", "c.py", "x-y_z.txt", "other", "names"]
    paths = names.copy()
    paths += [f"{path}/{one}" for path in paths for one in names]
    paths += [f"{path}/{one}" for path in paths for one in ("a", "b", "name", "top")]
    assert [path for path in paths if excluded(path)] == [
        path for path in paths if spec.match_file(path)
    ]


def test_list_loads_no_jinja(tmp_path: Path) -> None:
    """Presets and modules stand in copier.yml as they are."""
    watch = (
        "import atexit, sys; "
        "atexit.register(lambda: print('jinja2' in sys.modules, file=sys.stderr))"
    )
    done = run("list", cwd=tmp_path, template=PROJECT, before=watch)
    assert (done.returncode, done.stderr) == (0, "False\n")
