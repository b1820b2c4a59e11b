"""The variants of the generated repository, and the tools that judge one of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from gen_worker.template.catalog import load_catalog, module_question
from gen_worker.template.definition import load_template
from kit_worker import lend_compiled
from preloaded_tools import run_module
from rendering import PROJECT
from type_cache import type_cache

CATALOG = load_catalog(load_template(PROJECT))
EVERY_MODULE: dict[str, object] = {module_question(name): True for name in CATALOG.modules}


@dataclass(frozen=True)
class Variant:
    """One choice of answers.

    Attributes:
        name: The worker's type.
        answers: Answers by question.
    """

    name: str
    answers: dict[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """What a test of it is called."""
        return str(self.answers.get("preset", self.name))


VARIANTS = [
    # All of one name: mypy knows most of one from the other.
    *(Variant("payment", {"preset": name}) for name in CATALOG.presets if name != "blank"),
    Variant("payment", {"preset": "blank", "docs_language": "ko"}),
    # The longest name moves every line that holds it; imports must still be in shape.
    Variant("every-module-and-a-name-of-forty-letters", EVERY_MODULE),
]


class Rendered:
    """A rendered worker and the tools that judge it.

    Attributes:
        path: The repository.
        variant: What it was rendered from.
    """

    def __init__(self, path: Path, variant: Variant) -> None:
        """Take what was rendered.

        Args:
            path: The repository.
            variant: What it was rendered from.
        """
        self.path = path
        self.variant = variant

    def run(self, *module: str, folder: Path | None = None, **variables: str) -> None:
        """Run a tool in the repository, as its Makefile does, and demand success.

        Args:
            *module: The tool's module and its arguments.
            folder: Where; in the repository by default.
            **variables: More of its environment.

        Raises:
            AssertionError: It failed; the message holds its output.
        """
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        environment |= {"PYTHONPATH": str(self.path / "src")}
        if module[0] == "mypy":
            language = str(self.variant.answers.get("docs_language", "en"))
            environment |= {"MYPY_CACHE_DIR": str(type_cache(language))}
        if module[0] == "pytest":
            lend_compiled(self.path)
        environment |= variables
        done = run_module(module, folder or self.path, environment)
        assert done.returncode == 0, f"{' '.join(module)}:\n{done.stdout}\n{done.stderr}"
