"""Presets, modules and reserved names: read from copier.yml, which alone defines them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from gen_worker.errors import TemplateError
from gen_worker.template.definition import Template, parse_yaml

_MODULE_PREFIX = "with_"


class Preset(NamedTuple):
    """A named set of defaults."""

    name: str
    title: str
    concurrency: int
    advice: str
    modules: Sequence[str]


class Module(NamedTuple):
    """An integration that a worker can have."""

    name: str
    title: str


class Catalog(NamedTuple):
    """What can be chosen.

    Attributes:
        presets: By name, in the order of copier.yml.
        modules: By name, in the order of copier.yml.
        reserved_names: Names a worker may not have, by the reason why.
    """

    presets: Mapping[str, Preset]
    modules: Mapping[str, Module]
    reserved_names: Mapping[str, Sequence[str]]


def module_question(module: str) -> str:
    """Name the yes-or-no question of a module: `public-data` -> `with_public_data`."""
    return _MODULE_PREFIX + module.replace("-", "_")


def load_catalog(template: Template) -> Catalog:
    """Read the catalogue out of the template's `catalog` answer.

    Raises:
        TemplateError: An entry lacks something, or a module lacks its question.
    """
    try:
        data: dict[str, Any] = parse_yaml(template.questions["catalog"]["default"])
        presets = {
            name: Preset(
                name=name,
                title=entry["title"],
                concurrency=entry["concurrency"],
                advice=entry["advice"],
                modules=tuple(entry["modules"]),
            )
            for name, entry in data["presets"].items()
        }
        modules = {name: Module(name, entry["title"]) for name, entry in data["modules"].items()}
        reserved = {reason: tuple(names) for reason, names in data["reserved_names"].items()}
    except KeyError as error:
        raise TemplateError(f"The catalog in copier.yml lacks {error}.") from error
    except (TypeError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise TemplateError(f"The catalog in copier.yml is malformed: {error}") from error
    for name in modules:
        if module_question(name) not in template.questions:
            raise TemplateError(f"copier.yml asks no {module_question(name)} for module {name}.")
    return Catalog(presets, modules, reserved)
