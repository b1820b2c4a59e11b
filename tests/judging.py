"""Every choice of modules, and what a worker rendered from one has to show."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import os
import re
import shutil
import time
import tomllib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from gen_worker.new.flags import Choices, answer
from gen_worker.template.catalog import load_catalog, module_question
from gen_worker.template.definition import load_template, parse_yaml
from gen_worker.template.jinja import Renderer
from gen_worker.template.questionnaire import Questionnaire
from gen_worker.template.render import File, render
from preloaded_tools import run_module

PROJECT = Path(__file__).resolve().parent.parent
TEMPLATE = load_template(PROJECT)
CATALOG = load_catalog(TEMPLATE)
MODULES: dict[str, dict[str, Any]] = parse_yaml(TEMPLATE.questions["catalog"]["default"])["modules"]
_DIALECTS = [f"database_{name}" for name in ("postgresql", "mysql", "mariadb")]
_LANGUAGES = list(TEMPLATE.questions["docs_language"]["choices"].values())
_OWN_FOLDERS = ("src/", "demo/", "tests/")  # as ruff's settings have them
# Tests of the kit where the choice of modules changes something; the rest is tested once.
KIT_TESTS_OF_A_CHOICE = (
    *("tests/kit/config/test_logging.py", "tests/kit/config/test_settings.py"),
    "tests/kit/test_cli.py",
)


@dataclass(frozen=True)
class Combination:
    """One choice of modules; the other answers change from one to the next.

    Attributes:
        modules: The modules, in the catalogue's order.
        preset: The preset.
        language: Of the documents.
        dialect: The question of the database driver that is answered with yes.
    """

    modules: tuple[str, ...]
    preset: str
    language: str
    dialect: str

    @property
    def name(self) -> str:
        """Its modules in one word."""
        return "+".join(self.modules) or "none"

    @property
    def settings(self) -> list[str]:
        """Its answers, as `--set` takes them."""
        chosen = [f"{module_question(name)}={name in self.modules}" for name in CATALOG.modules]
        if "database" in self.modules:
            chosen += [f"{question}={question == self.dialect}" for question in _DIALECTS]
        return [*chosen, f"docs_language={self.language}"]


def combinations() -> list[Combination]:
    """List every choice of modules that copier.yml allows: none first, all last."""
    names = list(CATALOG.modules)
    presets = list(CATALOG.presets)
    every = (one for size in range(len(names) + 1) for one in itertools.combinations(names, size))
    chosen = (one for one in every if complete(one) == set(one))
    return [
        Combination(
            modules,
            preset=presets[number % len(presets)],
            language=_LANGUAGES[number % len(_LANGUAGES)],
            dialect=_DIALECTS[number % len(_DIALECTS)],
        )
        for number, modules in enumerate(chosen)
    ]


def covering() -> list[Combination]:
    """List none, every module alone, every pair, and all: what goes wrong shows in one of them.

    A module that needs another one is paired with that.
    """
    free = [name for name in MODULES if "needs" not in MODULES[name]]
    wanted = [set(), *(complete([name]) for name in MODULES), set(MODULES)]
    wanted += map(set, itertools.combinations(free, 2))
    return [one for one in combinations() if set(one.modules) in wanted]


def complete(modules: Iterable[str]) -> set[str]:
    """Add to modules the ones that they need.

    Args:
        modules: Their names.

    Returns:
        A choice that copier.yml allows.
    """
    chosen = set(modules)
    return chosen | {MODULES[name]["needs"] for name in chosen if "needs" in MODULES[name]}


def files_of(combination: Combination) -> list[File]:
    """Render a combination in memory.

    Args:
        combination: What to render.

    Returns:
        Its files.
    """
    return render_choices(Choices("payment", combination.preset, settings=combination.settings))


def render_choices(choices: Choices) -> list[File]:
    """Render a choice of answers in memory.

    Args:
        choices: What to render.

    Returns:
        Its files.
    """
    renderer = _renderer()
    answers = answer(choices, TEMPLATE, CATALOG, Questionnaire(TEMPLATE, renderer))
    return render(TEMPLATE, renderer, answers, {})


def bring_up_to_date(folder: Path, files: Iterable[File]) -> None:
    """Make a folder hold these files and no other but what Python compiled of them.

    Python and mypy take a file of the same size and second for the one they know, so its content
    tells its time.

    Args:
        folder: The folder; it may hold an older rendering.
        files: What it is to hold.
    """
    wanted = {folder / one.path: one.content for one in files}
    folders = {folder for path in wanted for folder in path.parents}
    for path in list(folder.rglob("*")):
        if path.name != "__pycache__" and path.is_dir() and path not in folders:
            shutil.rmtree(path)  # an empty folder could be imported
        elif path.is_file() and path not in wanted and path.parent.name != "__pycache__":
            path.unlink()
    for path, content in wanted.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            seconds = zlib.crc32(content) >> 2  # before 2004: make finds no time in the future
            os.utime(path, (seconds, seconds))


@cache
def _renderer() -> Renderer:
    return Renderer(TEMPLATE)


def digest(files: list[File]) -> str:
    """Name a rendering by its content, to know it again."""
    found = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted(files, key=lambda one: one.path):
        found.update(f"{file.path}\0{file.executable}\0{len(file.content)}\0".encode())
        found.update(file.content)
    return found.hexdigest()


# --- Judging -----------------------------------------------------------------------------------
@dataclass
class Verdict:
    """What became of one combination.

    Attributes:
        combination: Which one.
        files: How many files it has.
        seconds: How long each step took.
        problem: Why it is refused; None when it passed.
    """

    combination: Combination
    files: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    problem: str | None = None


class Judge:
    """Looks at one combination after the other, in one folder with one cache."""

    def __init__(
        self, folder: Path, types: Callable[[str], Path], imports: Callable[[Path], str]
    ) -> None:
        """Prepare.

        Args:
            folder: Where workers are written, one after the other.
            types: Tells the folder where mypy keeps what it learnt of workers in a language.
            imports: Imports every module of a worker and returns what went wrong.
        """
        self._folder = folder
        self._types = types
        self._imports = imports
        self._clean: set[str] = set()

    def judge(self, combination: Combination, *, tests: bool) -> Verdict:
        """Render a combination and demand everything of it.

        Args:
            combination: Which one.
            tests: Whether to run its own tests.

        Returns:
            The verdict.
        """
        files = files_of(combination)
        worker = self.write(files)
        verdict = Verdict(combination, files=len(files))
        unknown = {key: path for key, path in _for_ruff(files) if key not in self._clean}
        steps: dict[str, Callable[[], str]] = {
            "traces": lambda: "\n".join(traces(worker, combination)),
            "lint": lambda: self._run(
                worker, "ruff", "check", "--no-cache", "-q", *unknown.values()
            ),
            "format": lambda: self._run(
                worker, "ruff", "format", "--no-cache", "--diff", "-q", *unknown.values()
            ),
            "types": lambda: self._run(
                worker, "mypy", MYPY_CACHE_DIR=str(self._types(combination.language))
            ),
            "imports": lambda: self._imports(worker),
        }
        if tests:
            pytest = ("pytest", "-q", "-x", "-p", "no:cacheprovider")
            steps["own tests"] = lambda: self._run(worker, *pytest)
            steps["kit tests"] = lambda: self._run(
                PROJECT, *pytest, *KIT_TESTS_OF_A_CHOICE, KIT_WORKER=str(worker)
            )
        for name, step in steps.items():
            started = time.monotonic()
            said = step()
            verdict.seconds[name] = time.monotonic() - started
            if said:
                verdict.problem = f"{name}:\n{said}"
                break
            if name == "format":
                self._clean |= unknown.keys()
        return verdict

    def write(self, files: Sequence[File]) -> Path:
        """Write a rendered worker.

        The path is the same for all: mypy can use what it learnt of the one before.

        Args:
            files: Its files.

        Returns:
            Its folder.
        """
        worker = self._folder / "worker-payment"
        bring_up_to_date(worker, files)
        return worker

    def _run(self, folder: Path, *arguments: str, **variables: str) -> str:
        """Run a tool; return the output of a failure, nothing else."""
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
            "PYTHONPATH": "src",
            **variables,
        }
        done = run_module(arguments, folder, environment)
        return f"{done.stdout}{done.stderr}".strip() if done.returncode else ""


def _for_ruff(files: Sequence[File]) -> Iterator[tuple[str, str]]:
    """Yield the files that ruff reads, each with all that its verdict on it depends on.

    It looks at one file at a time, by the settings, and at which names are packages of the worker.
    """
    contents = {file.path: file.content for file in files}
    project = tomllib.loads(contents["pyproject.toml"].decode())
    own = sorted({Path(path).parts[1] for path in contents if path.startswith(_OWN_FOLDERS)})
    rules = [project["tool"]["ruff"], project["project"]["requires-python"], own]
    for path, content in contents.items():
        if path.endswith((".py", ".md", ".toml")):
            known = f"{path}\0{json.dumps(rules)}\0".encode() + content
            yield hashlib.sha256(known).hexdigest(), path


# --- Traces ------------------------------------------------------------------------------------
def traces(worker: Path, combination: Combination) -> Iterator[str]:
    """Find what a worker holds of modules that were not chosen.

    Args:
        worker: The rendered worker.
        combination: What was chosen.

    Yields:
        One line for each trace.
    """
    absent = [name for name in MODULES if name not in combination.modules]
    texts = {
        path: path.read_text(errors="replace")
        for path in sorted(worker.rglob("*"))
        if path.is_file() and path.parent.name != "__pycache__"
    }
    foreign = {name for module in absent for name in _variables(module)}
    foreign -= _kept_variables(combination)
    folders = [MODULES[module]["folder"] for module in absent]
    foreign |= {f"integrations{between}{folder}" for between in "./" for folder in folders}
    for path, text in texts.items():
        relative = path.relative_to(worker)
        place = f"{relative.as_posix()}/"
        for folder in folders:
            if f"integrations/{folder}/" in place:
                yield f"{relative} belongs to a module that was not chosen"
        for found in sorted(_words_of_modules(text) & foreign):
            yield f"{relative} speaks of {found}"
    yield from _document_traces(worker, absent)
    yield from _dependency_traces(worker, combination, texts)


@cache
def _words_of_modules(text: str) -> frozenset[str]:
    """List what a text holds of the words that speak of a module; most workers share most files."""
    return frozenset(_modules_words().findall(text))


@cache
def _modules_words() -> re.Pattern[str]:
    folders = "|".join(module["folder"] for module in MODULES.values())
    variables = sorted({name for module in MODULES for name in _variables(module)})
    return re.compile(rf"\b(?:{'|'.join([f'integrations[./](?:{folders})', *variables])})\b")


def _document_traces(worker: Path, absent: list[str]) -> Iterator[str]:
    readme = (worker / "README.md").read_text()
    for module in absent:
        document = f"docs/modules/{module}.md"
        if (worker / document).exists():
            yield f"{document} belongs to a module that was not chosen"
        if document in readme:
            yield f"README.md links {document}, which was not chosen"


def _dependency_traces(
    worker: Path, combination: Combination, texts: dict[Path, str]
) -> Iterator[str]:
    """Look for packages that only other modules need: declared, or imported."""
    wanted = {name for module in combination.modules for name in _packages(module)}
    foreign = {name for module in MODULES for name in _packages(module)} - wanted
    project = tomllib.loads((worker / "pyproject.toml").read_text())
    declared = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for requirement in declared:
        if _distribution(requirement) in foreign:
            yield f"pyproject.toml requires {requirement}"
    importable = {
        name
        for name, distributions in _importable().items()
        if {_distribution(one) for one in distributions} & foreign
    }
    for path, text in texts.items():
        if path.suffix == ".py":
            for name in sorted(_imports(text) & importable):
                yield f"{path.relative_to(worker)} imports {name}"


@cache
def _importable() -> dict[str, list[str]]:
    return dict(packages_distributions())


@cache
def _packages(module: str) -> frozenset[str]:
    entry = MODULES[module]
    needed = [*entry["dependencies"], *entry["dev_dependencies"]]
    return frozenset(map(_distribution, needed))


def _distribution(requirement: str) -> str:
    """Take the name out of a requirement, in its normal form."""
    name = re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _imports(text: str) -> frozenset[str]:
    """List the packages that a source file imports from outside; most workers share most files."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


@cache
def _variables(module: str) -> frozenset[str]:
    """List a module's environment variables, as its part of .env.example has them."""
    text = (PROJECT / "partials" / "env" / "en" / f"{module}.env").read_text()
    return frozenset(re.findall(r"^#? ?([A-Z][A-Z0-9]*_[A-Z0-9_]+)=", text, re.MULTILINE))


def _kept_variables(combination: Combination) -> frozenset[str]:
    return frozenset().union(*map(_variables, combination.modules))
