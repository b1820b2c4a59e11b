"""What both languages arrange alike: where jobs stand on the client, and data as source text."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from .contract import Contract, Job
from .names import distinct
from .shapes import Definition, Shape, Shapes

WIDTH = 100
_SCRIPTS = Path(__file__).parents[2] / "engine" / "store" / "scripts"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one job stands on the client.

    Args:
        group: The name of its module there; None for the client itself.
        name: Its own name.
        job: The job.
    """

    group: str | None
    name: str
    job: Job


def places(contract: Contract, form: Callable[[str], str], reserved: frozenset[str]) -> list[Place]:
    """Put every job in its place: `payment.approve` on the client, `refunds.refund` in `refunds`.

    Args:
        contract: The contract.
        form: Makes a name of the language of a Python one.
        reserved: Names that the client cannot give.
    """
    modules = list(dict.fromkeys(job.module for job in contract.jobs))
    groups = distinct((each for each in modules if each != contract.module), form, reserved)
    own = [job for job in contract.jobs if job.module == contract.module]
    # A module's name wins over a function's: what stands on the client has one meaning.
    names = distinct((job.function for job in own), form, reserved | set(groups.values()))
    found = [Place(None, names[job.function], job) for job in own]
    for module, group in groups.items():
        jobs = [job for job in contract.jobs if job.module == module]
        inner = distinct((job.function for job in jobs), form, reserved)
        found += [Place(group, inner[job.function], job) for job in jobs]
    return found


def renamed(shapes: Shapes, reserved: Container[str]) -> Shapes:
    """Give the types names that mean nothing else in the client."""
    names = distinct(shapes.definitions, str, reserved)
    for definition in shapes.definitions.values():
        for shape in [definition.shape, *(field.shape for field in definition.fields)]:
            _rename(shape, names)
    definitions = {names[name]: each for name, each in shapes.definitions.items()}
    payloads = {job: names[name] for job, name in shapes.payloads.items()}
    return Shapes(definitions, payloads)


def _rename(shape: Shape, names: dict[str, str]) -> None:
    if shape["kind"] == "ref":
        shape["name"] = names[shape["name"]]
    if "cases" in shape:
        shape["cases"] = {value: names[name] for value, name in shape["cases"].items()}
    for key in ("items", "values", "keys", "of", "extra"):
        inner = shape.get(key)
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                _rename(each, names)


def words(text: str) -> set[str]:
    """Every word of a source text: none of them can name a type of the contract."""
    return set(re.findall(r"\b[^\W\d]\w*", text))


def runtime_shape(definition: Definition, omit: Callable[[Any], bool] | None = None) -> Shape:
    """Return a definition as the run time reads it.

    Args:
        definition: The type.
        omit: Says of which fields `None` means that they are left out.
    """
    shape = dict(definition.shape)
    if shape["kind"] == "object":
        shape["fields"] = [
            {"name": each.wire, "shape": each.shape}
            | ({"required": True} if each.required else {})
            | ({"default": each.default[0]} if each.default else {})
            | ({"omit": True} if omit is not None and omit(each) else {})
            for each in definition.fields
        ]
    return shape


def id_parts(template: str) -> list[list[str | None]]:
    """`approve-{orderId}` as texts, each with the field behind it."""
    return [[text, field] for text, field, _, _ in Formatter().parse(template)]


def script() -> str:
    """The script that publishes, as the worker's own publisher runs it."""

    def read(name: str) -> str:
        return (_SCRIPTS / f"{name}.lua").read_text(encoding="utf-8")

    return re.sub(r"(?m)^-- include (\w+)\.lua\n", lambda found: read(found[1]), read("publish"))


def literal(value: Any, leaf: Callable[[Any], str], key: Callable[[str], str], indent: int) -> str:
    """Write data as source text, on one line where it fits.

    Args:
        value: Lists and dictionaries of what `leaf` can write.
        leaf: Writes everything else.
        key: Writes a dictionary's key.
        indent: Blanks before the line.
    """
    short = _short(value, leaf, key)
    if not isinstance(value, list | dict) or not value or len(short) + indent <= WIDTH - 12:
        return short
    step = " " * (indent + 2)
    if isinstance(value, list):
        lines = [literal(each, leaf, key, indent + 2) for each in value]
        brackets = "[]"
    else:
        lines = [f"{key(k)}: {literal(v, leaf, key, indent + 2)}" for k, v in value.items()]
        brackets = "{}"
    body = "".join(f"{step}{line},\n" for line in lines)
    return f"{brackets[0]}\n{body}{' ' * indent}{brackets[1]}"


def _short(value: Any, leaf: Callable[[Any], str], key: Callable[[str], str]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_short(each, leaf, key) for each in value)}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key(k)}: {_short(v, leaf, key)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return leaf(value)


def policy(job: Job) -> str:
    """What a reader wants to know of a job, in a sentence."""
    limit = "no limit" if job.timeout is None else f"{job.timeout} s"
    made = f"`{job.job_id}`" if job.job_id else ("random" if job.job_id is None else "yours to say")
    return f"`{job.type}`: {limit} for one attempt; its id is {made}."
