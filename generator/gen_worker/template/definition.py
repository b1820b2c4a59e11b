"""Find the template and read its copier.yml the way Copier reads it.

Only what this project's template uses is supported. Anything else in copier.yml is refused by
name, so that this generator and plain `copier copy` can never silently differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from gen_worker.errors import TemplateError
from gen_worker.template.sources import Source, find_sources

# The C loader is several times faster; both accept the same YAML.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_RENDER_SETTINGS = frozenset(
    {"subdirectory", "templates_suffix", "answers_file", "envops", "exclude"}
)
# Settings that say nothing about the files of a new repository.
_OTHER_SETTINGS = frozenset(
    {
        "min_copier_version",
        "message_before_copy",
        "message_after_copy",
        "message_before_update",
        "message_after_update",
    }
)
_TEXTS = {"subdirectory", "templates_suffix", "answers_file"}
_QUESTION_KEYS = frozenset(
    {"type", "help", "choices", "default", "validator", "when", "placeholder"}
)


@dataclass(frozen=True)
class Template:
    """A template on disk, as its copier.yml describes it.

    Attributes:
        root: The folder that holds copier.yml.
        settings: The `_settings`, without their underscore.
        questions: Every question's details by its name, in the order they are asked.
    """

    root: Path
    settings: Mapping[str, Any]
    questions: Mapping[str, Mapping[str, Any]]

    @property
    def subdirectory(self) -> str:
        """The folder whose files become the repository, below the root."""
        return str(self.settings.get("subdirectory", ""))

    @property
    def files_root(self) -> Path:
        """The same folder."""
        return self.root / self.subdirectory

    @cached_property
    def sources(self) -> list[Source]:
        """Its files.

        Raises:
            TemplateError: The folder is missing, or holds a link.
        """
        if not self.files_root.is_dir():
            raise TemplateError("copier.yml names a subdirectory that does not exist.")
        return list(find_sources(self.files_root, self.suffix))

    @property
    def suffix(self) -> str:
        """The ending of files in which something is substituted."""
        return str(self.settings.get("templates_suffix", ".jinja"))

    @property
    def answers_file(self) -> str:
        """The file in the repository that remembers the answers."""
        return str(self.settings.get("answers_file", ".copier-answers.yml"))


def find_template() -> Path:
    """Find the template that belongs to this generator.

    Returns:
        The folder inside the installed package, or the root of the checkout.

    Raises:
        TemplateError: Neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for root in (package / "_template", package.parent.parent):
        if (root / "copier.yml").is_file():
            return root
    raise TemplateError("The template is missing from this installation; install gen-worker again.")


def load_template(root: Path) -> Template:
    """Read and check a template's copier.yml.

    Args:
        root: The folder that holds copier.yml.

    Raises:
        TemplateError: The file is malformed or uses something unsupported.
    """
    settings: dict[str, Any] = {}
    questions: dict[str, Mapping[str, Any]] = {}
    for section in _sections(root / "copier.yml"):
        for key, value in section.items():
            if not key.startswith("_"):
                questions[key] = value
            elif key == "_exclude":  # Copier adds up the excludes of all sections
                if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                    raise TemplateError("_exclude in copier.yml must be a list of texts.")
                settings["exclude"] = [*settings.get("exclude", []), *value]
            else:
                settings[key[1:]] = value
    _refuse_unsupported("setting", settings, _RENDER_SETTINGS | _OTHER_SETTINGS)
    for name, details in questions.items():
        if not isinstance(details, dict) or "type" not in details:
            raise TemplateError(f"The question {name} in copier.yml must state its type.")
        _refuse_unsupported(f"key of question {name}", details, _QUESTION_KEYS)
        _check_question(name, details)
    for name in _TEXTS & settings.keys():
        if not isinstance(settings[name], str):
            raise TemplateError(f"_{name} in copier.yml must be a text.")
    template = Template(root, settings, questions)
    if not _is_inside(template.files_root, root):
        raise TemplateError("copier.yml names a subdirectory outside of the template.")
    return template


def parse_yaml(text: str) -> Any:
    """Parse one YAML document, safely and fast; the same text once.

    Raises:
        yaml.YAMLError: It is malformed.
    """
    return deepcopy(_parsed(text))  # what is done to one does not reach the others


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    return yaml.load(text, Loader=_SafeLoader)  # noqa: S506 - it is one of the safe loaders


def has_aliases(text: str) -> bool:
    """Return whether a YAML document refers to parts of itself.

    Raises:
        yaml.YAMLError: It is malformed.
    """
    if "*" not in text:
        return False
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_SafeLoader))


def _is_inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _refuse_unsupported(kind: str, found: Mapping[str, Any], supported: frozenset[str]) -> None:
    """Raise for the first thing in copier.yml that would be ignored."""
    for key in found:
        if key not in supported:
            raise TemplateError(f"copier.yml has a {kind} that gen-worker does not support: {key}.")


def _check_question(name: str, details: Mapping[str, Any]) -> None:
    """Refuse a question whose parts have types that could not be rendered."""
    for key in ("type", "validator", "placeholder"):
        if not isinstance(details.get(key, ""), str):
            raise TemplateError(f"{key} of the question {name} in copier.yml must be a text.")
    if not isinstance(details.get("choices", []), (str, list, dict)):
        raise TemplateError(f"choices of the question {name} in copier.yml must be a list.")


def _sections(path: Path) -> list[dict[str, Any]]:
    """Read all documents of a copier.yml, included files in their place."""

    class Loader(_SafeLoader):  # type: ignore[misc]  # a private class keeps !include out of yaml's own
        """A safe loader that knows Copier's !include."""

    open_files = [path]

    def include(loader: Any, node: Any) -> list[Any]:
        found: list[Any] = []
        for file in sorted(path.parent.glob(loader.construct_scalar(node))):
            if not _is_inside(file, path.parent):
                raise TemplateError(f"copier.yml includes a file outside of the template: {file}.")
            if file in open_files:
                raise TemplateError(f"copier.yml includes a file in a circle: {file}.")
            open_files.append(file)
            found.extend(yaml.load_all(file.read_bytes(), Loader=Loader))
            open_files.pop()
        return found

    Loader.add_constructor("!include", include)
    try:
        documents = list(yaml.load_all(path.read_bytes(), Loader=Loader))
    except (yaml.YAMLError, ValueError, RecursionError, OSError, NotImplementedError) as error:
        raise TemplateError(f"The template's copier.yml is not valid YAML: {error}") from error
    sections = _flat(documents)
    if not all(isinstance(section, dict) for section in sections):
        raise TemplateError("The template's copier.yml must hold names and values.")
    return [{str(key): value for key, value in section.items()} for section in sections]


def _flat(documents: list[Any]) -> list[dict[str, Any]]:
    """Undo the nesting of lists that includes bring; empty documents vanish."""
    flat: list[dict[str, Any]] = []
    for document in documents:
        if isinstance(document, list):
            flat.extend(_flat(document))
        elif document:
            flat.append(document)
    return flat
