"""None, every module alone, every pair and all: each rendered worker judges itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import judging
import pytest
from every_variant import meeting
from gen_worker.template.render import File
from importer import Importer
from judging import (
    MODULES,
    Combination,
    Judge,
    combinations,
    complete,
    covering,
    files_of,
    traces,
)
from type_cache import type_cache

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def importer() -> Iterator[Importer]:
    """One process that has loaded the libraries."""
    with Importer() as started:
        yield started


@pytest.fixture(scope="module")
def judge(importer: Importer, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """One judge, who knows what was found clean in another worker."""
    return Judge(tmp_path_factory.mktemp("judge"), type_cache, importer.problem)


@pytest.mark.parametrize("combination", covering(), ids=lambda one: one.name)
def test_combination(combination: Combination, judge: Judge) -> None:
    """No trace of what was not chosen; linted, formatted, typed, importable.

    `make test-variants` runs workers' own tests as well; those of the presets and of all
    modules together are run in tests/template.
    """
    verdict = judge.judge(combination, tests=False)
    assert verdict.problem is None, verdict.problem


def test_every_combination_is_listed_once() -> None:
    """Two answers for each module; the covering ones hold every pair."""
    every = combinations()
    needy = sum("needs" in module for module in MODULES.values())
    allowed = 3**needy * 2 ** (
        len(MODULES) - 2 * needy
    )  # without both, the needed one, or with both
    assert len({one.modules for one in every}) == len(every) == allowed
    chosen = [set(one.modules) for one in covering() if len(one.modules) < len(MODULES)]
    for first in MODULES:
        assert complete({first}) in chosen
        for second in MODULES:
            if "needs" not in MODULES[first] | MODULES[second]:
                assert {first, second} in chosen
    for attribute in ("preset", "language", "dialect"):
        assert len({getattr(one, attribute) for one in covering()}) > 1


def test_any_three_answers_meet_where_a_worker_s_tests_are_run() -> None:
    """All of them that meet anywhere do so in less than a tenth of the combinations."""

    def groups(workers: Iterable[Combination]) -> set[tuple[str, ...]]:
        answers = ([one.preset, *one.settings] for one in workers)
        return {group for each in answers for group in itertools.combinations(each, 3)}

    chosen = meeting(combinations())
    assert groups(chosen) == groups(combinations())
    assert len(chosen) * 10 < len(combinations())


def test_what_was_clean_is_read_again_once_anything_about_it_has_changed(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, or the rules: then nothing is known to be clean."""
    nothing = combinations()[0]
    files = {file.path: file for file in files_of(nothing)}
    assert judge.judge(nothing, tests=False).problem is None
    settings = files["pyproject.toml"]
    stricter = settings.content.replace(b"line-length = 100", b"line-length = 60")
    untidy = File("src/worker_payment/extra.py", b"x  = 1\n", executable=False)
    unused = File(untidy.path, b"import os\n", executable=False)
    for changed, step, named in (
        (untidy, "format", "extra.py"),
        (unused, "lint", "extra.py"),
        (settings._replace(content=stricter), "lint", "kit/cli.py"),
    ):
        changed_files = list((files | {changed.path: changed}).values())
        monkeypatch.setattr(judging, "files_of", lambda _, made=changed_files: made)
        problem = judge.judge(nothing, tests=False).problem or ""
        assert problem.startswith(f"{step}:")
        assert named in problem


def test_a_trace_is_found(tmp_path: Path) -> None:
    """The judge itself is not blind."""
    nothing = combinations()[0]
    judge = Judge(tmp_path, type_cache, lambda _: "")
    worker = judge.write(files_of(nothing))
    assert list(traces(worker, nothing)) == []
    (worker / "src" / "worker_payment" / "extra.py").write_text(
        '"""See integrations.mail."""\n\nimport boto3\n\nPASSWORD = "SMTP_PASSWORD"\n'
    )
    assert sorted(traces(worker, nothing)) == [
        "src/worker_payment/extra.py imports boto3",
        "src/worker_payment/extra.py speaks of SMTP_PASSWORD",
        "src/worker_payment/extra.py speaks of integrations.mail",
    ]


def test_a_module_that_cannot_be_imported_is_found(importer: Importer, tmp_path: Path) -> None:
    """Nor is the process that imports, which goes on with the next worker."""
    nothing = combinations()[0]
    worker = Judge(tmp_path, type_cache, importer.problem).write(files_of(nothing))
    broken = worker / "src" / "worker_payment" / "extra.py"
    for text, said in (
        ("import absent_library\n", "No module named 'absent_library'"),
        ("from worker_payment.kit.integrations import mail\n", "cannot import name 'mail'"),
        ("import warnings\n\nwarnings.warn('old')\n", "UserWarning: old"),
        ("import os\n\nos._exit(3)\n", "exit code 3"),
    ):
        broken.write_text(text)
        assert said in importer.problem(worker)
    broken.unlink()
    assert importer.problem(worker) == ""
