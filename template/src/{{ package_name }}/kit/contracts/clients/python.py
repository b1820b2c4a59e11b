"""Writes the Python client: one module that needs `redis` alone, or pydantic as well."""

from __future__ import annotations

import builtins
import keyword
import re
import textwrap
from pathlib import Path
from typing import Any

from .contract import Contract
from .layout import Place, id_parts, literal, places, policy, renamed, runtime_shape, script, words
from .names import distinct, pascal, snake
from .patterns import Pattern
from .shapes import Definition, Field, Shape, Shapes, shapes_of

_RESERVED = frozenset({*keyword.kwlist, *dir(builtins)})
# Names that a model of pydantic has already, and the client's own members.
_MEMBERS = frozenset(
    {*keyword.kwlist, "job", "schema", "json", "dict", "copy", "construct", "validate"}
)
_LIMITS = {"min": "ge", "max": "le", "above": "gt", "below": "lt", "multipleOf": "multiple_of"}
_LENGTHS = {"min": "min_length", "max": "max_length"}


def write(contract: Contract, *, pydantic: bool = False) -> str:
    """Return the source text of the client.

    Args:
        contract: The contract.
        pydantic: Payloads are pydantic models instead of dataclasses.

    Raises:
        ClientError: A schema says what no client can check.
    """
    runtime = (Path(__file__).parent / "runtime.py").read_text(encoding="utf-8")
    runtime = re.sub(
        r"  # noqa: .*", "", runtime
    )  # of the worker's rules; other owners have others
    queues = ", ".join(map(_text, contract.queues))
    runtime = re.sub(r"QueueName = str  # .*", lambda _: f"QueueName = Literal[{queues}]", runtime)
    imports, body = runtime.split("from __future__ import annotations\n\n", 1)[1].split("\n\n\n", 1)
    client = f"{pascal(contract.worker)}Client"
    taken = words(runtime) | _RESERVED | {client, f"Async{client}"}
    taken |= {"BaseModel", "ConfigDict", "Annotated", "ClassVar", "field"}
    shapes = renamed(shapes_of(contract), taken)
    types = _Types(pydantic)
    models = "\n\n".join(types.define(name, each) for name, each in shapes.definitions.items())
    clients = _Clients(contract, shapes)
    parts = [
        f'"""The client of the worker `{contract.worker}`, made from its contract: it publishes typed jobs.',
        "",
        "Do not edit it: `client python` of the worker, or `gen-worker client`, writes it anew.",
        '"""',
        "",
        "# fmt: off",
        "from __future__ import annotations",
        "",
        types.imports(imports, models),
        "",
        "",
        body.rstrip(),
        "",
        "",
        f"# --- The contract of {contract.worker} ---",
        "",
        "",
        models,
        "",
        _data(contract, shapes),
        "",
        "",
        clients.write(client, ""),
        "",
        "",
        clients.write(client, "Async"),
    ]
    return "\n".join(parts).rstrip() + "\n"


class _Types:
    """Writes payload types.

    Args:
        pydantic: As models of pydantic instead of dataclasses.
    """

    def __init__(self, pydantic: bool) -> None:
        self._pydantic = pydantic

    def imports(self, runtime: str, models: str) -> str:
        """The imports of the whole file."""
        found = runtime
        if re.search(r"\bfield\(", models) and not self._pydantic:
            found = found.replace("import dataclass\n", "import dataclass, field\n")
        annotated = "    Annotated,\n" if "Annotated[" in models else ""
        found = found.replace("    Any,\n", f"{annotated}    Any,\n    ClassVar,\n")
        if not self._pydantic:
            return found
        names = [
            name
            for name in ("BaseModel", "ConfigDict", "Field")
            if re.search(rf"\b{name}\b", models)
        ]
        own = f"from pydantic import {', '.join(names)}\n"
        return found.replace("from redis.", f"{own}from redis.")

    def define(self, name: str, definition: Definition) -> str:
        """Write one type."""
        if definition.shape["kind"] != "object":
            return f"{name} = {self._text(definition.shape)}\n"
        names = distinct((field.wire for field in definition.fields), snake, _MEMBERS)
        wire = literal({names[each.wire]: each.wire for each in definition.fields}, _text, _text, 4)
        doc = definition.doc or f"The type `{name}` of the contract."
        lines = [
            *([] if self._pydantic else ["@dataclass(frozen=True, slots=True, kw_only=True)"]),
            f"class {name}{'(BaseModel)' if self._pydantic else ''}:",
            _docstring(doc, "    "),
            "",
            f"    __wire__: ClassVar[dict[str, str]] = {wire}",
        ]
        if self._pydantic:
            extra = ', extra="forbid"' if definition.shape.get("extra") == "forbid" else ""
            lines.append(
                f"    model_config = ConfigDict(frozen=True, populate_by_name=True{extra})"
            )
        lines += ["", *(self._field(names[each.wire], each) for each in definition.fields)]
        return "\n".join(lines).rstrip() + "\n"

    def _field(self, name: str, field: Field) -> str:
        kind = self._text(field.shape)
        if omitted(field) and "None" not in kind.split(" | "):
            kind += " | None"
        if self._pydantic and name != field.wire:
            alias = _text(field.wire)
            kind = (
                f"Annotated[{kind}, Field(validation_alias={alias}, serialization_alias={alias})]"
            )
        default = "" if field.required else f" = {self._default(field)}"
        lines = [f"    {name}: {kind}{default}"]
        if field.doc:
            lines.append(_docstring(field.doc, "    "))
        return "\n".join(lines)

    def _default(self, field: Field) -> str:
        if omitted(field):
            return "None"
        value = field.default[0]
        if value in ([], {}):
            if self._pydantic:
                return repr(value)
            return f"field(default_factory={'list' if value == [] else 'dict'})"
        return _leaf(value)

    def _text(self, shape: Shape) -> str:
        kind = shape["kind"]
        if kind == "union":
            return self._union(shape)
        if kind == "values":
            listed = ", ".join(
                dict.fromkeys(_leaf(each) for each in shape["values"] if each is not None)
            )
            texts = [f"Literal[{listed}]"] if listed else []
            return " | ".join(texts + ["None"] * (None in shape["values"]))
        if kind == "array":
            return self._limited(f"list[{self._text(shape['items'])}]", shape, _LENGTHS)
        if kind == "tuple":
            return f"tuple[{', '.join(map(self._text, shape['items']))}]"
        if kind == "map":
            keys = self._text(shape.get("keys", {"kind": "string"}))
            return self._limited(f"dict[{keys}, {self._text(shape['values'])}]", shape, _LENGTHS)
        if kind == "string":
            return self._string(shape)
        if kind in {"integer", "number"}:
            return self._limited("int" if kind == "integer" else "float", shape, _LIMITS)
        plain = {"any": "Any", "boolean": "bool", "null": "None"}
        return plain.get(kind) or str(shape["name"])

    def _string(self, shape: Shape) -> str:
        plain = {"date": "date", "date-time": "datetime", "uuid": "UUID"}
        return self._limited(plain.get(shape.get("format", ""), "str"), shape, _LENGTHS)

    def _union(self, shape: Shape) -> str:
        choices = list(dict.fromkeys(map(self._text, shape["of"])))
        if [each["kind"] for each in shape["of"] if each["kind"] != "null"] == ["string", "number"]:
            choices.insert(0, "Decimal")  # whose schema takes a number or a text
        found = " | ".join(choices)
        if "by" in shape and self._pydantic:
            return f'Annotated[{found}, Field(discriminator="{snake(shape["by"])}")]'
        return found

    def _limited(self, text: str, shape: Shape, names: dict[str, str]) -> str:
        if not self._pydantic:
            return text
        limits = [f"{theirs}={shape[ours]!r}" for ours, theirs in names.items() if ours in shape]
        if "pattern" in shape:
            limits.append(f"pattern={shape['pattern'].source!r}")
        return f"Annotated[{text}, Field({', '.join(limits)})]" if limits else text


def omitted(field: Field) -> bool:
    """Whether `None` leaves a field out: its default is the contract's to fill in, or the worker's."""
    if field.required:
        return False
    if not field.default:
        return True
    value = field.default[0]
    if value is None or value in ([], {}):
        return False
    return not isinstance(value, str | int | float) or _becomes_object(field.shape)


def _becomes_object(shape: Shape) -> bool:
    """Whether a text of the contract is no text in Python."""
    if shape["kind"] == "union":
        return any(map(_becomes_object, shape["of"]))
    return "format" in shape


class _Clients:
    """Writes the two clients."""

    def __init__(self, contract: Contract, shapes: Shapes) -> None:
        self._contract = contract
        self._shapes = shapes
        self._places = places(contract, str, _MEMBERS)

    def write(self, client: str, kind: str) -> str:
        """Write one client, with the classes of its modules before it.

        Args:
            client: Its class.
            kind: "Async", or nothing.
        """
        groups = list(dict.fromkeys(each.group for each in self._places if each.group is not None))
        parts = [self._class(f"_{kind}{pascal(each)}Jobs", each, kind) for each in groups]
        name, redis = f"{kind}{client}", f"redis{'.asyncio' if kind else ''}.Redis"
        lines = [
            f"class {name}:",
            f'    """Publishes jobs of the worker `{self._contract.worker}`.',
            "",
            "    Args:",
            f"        redis: A `{redis}`, connected to the worker's Redis.",
            "        queue: The queue, where the worker's `WORKER_QUEUE` is not the contract's.",
            '    """',
            "",
            f"    def __init__(self, redis: {kind}RedisClient, *, queue: str | None = None) -> None:",
            "        self._redis = redis",
            "        self._queue = queue",
            *self._members(None, kind),
            *(f"        self.{each} = _{kind}{pascal(each)}Jobs(redis, queue)" for each in groups),
            "",
            f"    def job(self, job_type: str) -> {kind}Job[Any]:",
            '        """Return the job of a type, for code that is not about one job.',
            "",
            "        Raises:",
            "            PayloadError: The contract has no such job.",
            '        """',
            f"        return {kind}Job(self._redis, _CONTRACT, job_type, self._queue)",
        ]
        return "\n\n\n".join([*parts, "\n".join(lines)])

    def _class(self, name: str, group: str, kind: str) -> str:
        lines = [
            f"class {name}:",
            f'    """The jobs of the module `{group}`."""',
            "",
            f"    def __init__(self, redis: {kind}RedisClient, queue: str | None) -> None:",
            *self._members(group, kind),
        ]
        return "\n".join(lines)

    def _members(self, group: str | None, kind: str) -> list[str]:
        return [
            line
            for each in self._places
            if each.group == group
            for line in (_member(each, f"{kind}Job[{self._shapes.payloads[each.job.type]}]"),)
        ]


def _member(place: Place, kind: str) -> str:
    return (
        f"        self.{place.name} = {kind}(redis, _CONTRACT, {_text(place.job.type)}, queue)\n"
        f'        """{policy(place.job)}"""'
    )


def _data(contract: Contract, shapes: Shapes) -> str:
    types = {name: runtime_shape(each, omitted) for name, each in shapes.definitions.items()}
    jobs = "".join(
        f"    {_text(job.type)}: _JobContract(\n"
        f"        function={_text(job.path)},\n"
        f"        payload={_text(shapes.payloads[job.type])},\n"
        f"        version={job.version},\n"
        f"        timeout={-1 if job.timeout is None else job.timeout},\n"
        f"        result_ttl={job.result_ttl},\n"
        f"        job_id={_parts(job.job_id)},\n"
        "    ),\n"
        for job in contract.jobs
    )
    lines = "".join(f"    {_text(line + chr(10))}\n" for line in script().split("\n"))
    return f"""_SHAPES: dict[str, _Shape] = {literal(types, _leaf, _text, 0)}

_JOBS = {{
{jobs}}}

# Runs inside Redis: queues a job unless one with its id is waiting or running.
_SCRIPT = (
{lines.rstrip()[:-3]}"
)

_QUEUES = ({"".join(f"{_text(each)}, " for each in contract.queues).rstrip()})

_CONTRACT = _Contract(
    queue={_text(contract.queue)},
    queues=_QUEUES,
    prefix={_text(contract.prefix)},
    script=_SCRIPT,
    shapes=_SHAPES,
    jobs=_JOBS,
)"""


def _parts(template: Any) -> str:
    if not isinstance(template, str):
        return repr(template)
    inner = ", ".join(f"({_text(text or '')}, {_leaf(name)})" for text, name in id_parts(template))
    return f"({inner},)" if inner else "()"


def _leaf(value: Any) -> str:
    if isinstance(value, Pattern):
        return repr(value.python)
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    """A text in double quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"' if escaped.isprintable() else repr(value)


def _docstring(text: str, indent: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if "\n" not in escaped and not escaped.endswith('"'):
        return f'{indent}"""{escaped}"""'
    return textwrap.indent(f'"""{escaped}\n"""', indent, lambda line: bool(line.strip()))
