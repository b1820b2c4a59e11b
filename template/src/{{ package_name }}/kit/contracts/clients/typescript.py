"""Writes the TypeScript client: one module, strict, without dependencies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .contract import Contract
from .layout import Place, id_parts, literal, places, policy, renamed, runtime_shape, script, words
from .names import camel, pascal
from .patterns import Pattern
from .shapes import Definition, Field, Shape, Shapes, shapes_of

_SAFE = 2**53 - 1  # the largest whole number that a JavaScript number holds exactly
# What an object has or means already, and the client's own members.
_MEMBERS = frozenset(
    {"constructor", "prototype", "__proto__", "hasOwnProperty", "isPrototypeOf", "valueOf"}
    | {"propertyIsEnumerable", "toString", "toLocaleString", "toJSON", "then", "job"}
)


def write(contract: Contract) -> str:
    """Return the source text of the client.

    Raises:
        ClientError: A schema says what no client can check.
    """
    runtime = (Path(__file__).parent / "runtime.ts").read_text(encoding="utf-8")
    client = f"{pascal(contract.worker)}Client"
    jobs = f"{pascal(contract.worker)}Jobs"
    shapes = renamed(shapes_of(contract), words(runtime) | {client, jobs, "QueueName"})
    parts = [
        f"// The client of the worker `{contract.worker}`, made from its contract: it publishes typed jobs.",
        "// Do not edit it: `client typescript` of the worker, or `gen-worker client`, writes it anew.",
        "",
        runtime.rstrip(),
        "",
        f"// --- The contract of {contract.worker} ---",
        "",
        *(_definition(name, each) for name, each in shapes.definitions.items()),
        _client(contract, shapes, client, jobs),
        _data(contract, shapes),
    ]
    return "\n".join(parts) + "\n"


def _definition(name: str, definition: Definition) -> str:
    head = _doc(definition.doc, "")
    if definition.shape["kind"] != "object":
        return f"{head}export type {name} = {_type(definition.shape)};\n"
    lines = [f"{head}export interface {name} {{"]
    lines += map(_field, definition.fields)
    if definition.shape.get("extra", "forbid") != "forbid":
        lines.append("  [name: string]: unknown;")
    return "\n".join([*lines, "}"]) + "\n"


def _field(field: Field) -> str:
    optional = ("", "") if field.required else ("?", " | undefined")
    kind = f"{_key(field.wire)}{optional[0]}: {_type(field.shape)}{optional[1]};"
    return f"{_doc(_field_doc(field), '  ')}  {kind}"


def _field_doc(field: Field) -> str:
    limits = _limits(field.shape)
    default = (
        f"@defaultValue `{json.dumps(field.default[0], ensure_ascii=False)}`"
        if field.default
        else ""
    )
    return "\n".join(part for part in (field.doc, limits, default) if part)


def _limits(shape: Shape) -> str:
    """A field's limits in words."""
    said = {"min": "at least", "max": "at most", "above": "more than", "below": "less than"}
    of = {"string": " characters", "array": " items", "map": " entries"}.get(shape["kind"], "")
    found = [f"{word} {shape[key]}{of}" for key, word in said.items() if key in shape]
    if "multipleOf" in shape:
        found.append(f"a multiple of {shape['multipleOf']}")
    if "pattern" in shape:
        found.append(f"matches `{shape['pattern'].source}`")
    if shape.get("format") in {"date", "uuid"}:
        found.append({"date": "a day such as 2026-01-31", "uuid": "a UUID"}[shape["format"]])
    text = ", ".join(found)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _doc(text: str, indent: str) -> str:
    if not text:
        return ""
    lines = text.replace("*/", "*\\/").split("\n")
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _type(shape: Shape) -> str:
    kind = shape["kind"]
    if kind == "string":
        return "string | Date" if shape.get("format") == "date-time" else "string"
    if kind == "integer":
        small = max(abs(shape.get("min", -(2**60))), abs(shape.get("max", 2**60))) <= _SAFE
        return "number" if small else "number | bigint"
    if kind == "array":
        return f"readonly {_bracketed(_type(shape['items']))}[]"
    if kind == "tuple":
        return f"readonly [{', '.join(map(_type, shape['items']))}]"
    if kind == "map":
        if shape.get("keys", {"kind": "string"})["kind"] == "string":
            return f"Readonly<Record<string, {_type(shape['values'])}>>"
        return f"Readonly<Partial<Record<{_type(shape['keys'])}, {_type(shape['values'])}>>>"
    if kind == "values":
        return " | ".join(dict.fromkeys(map(_leaf, shape["values"])))
    if kind == "union":
        choices = " | ".join(map(_type, shape["of"]))
        simple = not any(mark in choices for mark in '<(["')
        return " | ".join(dict.fromkeys(choices.split(" | "))) if simple else choices
    plain = {"any": "unknown", "number": "number", "boolean": "boolean", "null": "null"}
    return plain.get(kind) or str(shape["name"])


def _bracketed(text: str) -> str:
    return f"({text})" if re.search(r"\W", text) else text


def _client(contract: Contract, shapes: Shapes, client: str, jobs: str) -> str:
    placed = places(contract, camel, _MEMBERS)
    kinds = {
        job.type: f"{'JobWithId' if job.job_id is False else 'Job'}<{shapes.payloads[job.type]}>"
        for job in contract.jobs
    }
    entries = "".join(f"  {json.dumps(name)}: {kind};\n" for name, kind in kinds.items())
    groups = list(dict.fromkeys(each.group for each in placed if each.group is not None))
    own = [each for each in placed if each.group is None]
    members = "".join(_member(each, kinds, "  ") for each in own)
    made = "".join(f"    this.{each.name} = {_made(each)};\n" for each in own)
    for group in groups:
        inner = [each for each in placed if each.group == group]
        body = "".join(_member(each, kinds, "    ") for each in inner)
        members += f"  readonly {group}: {{\n{body}  }};\n"
        calls = "".join(f"      {each.name}: {_made(each)},\n" for each in inner)
        made += f"    this.{group} = {{\n{calls}    }};\n"
    queues = " | ".join(map(_leaf, contract.queues))
    return f"""/** The queues that the worker serves. */
export type QueueName = {queues};

/** Every kind of job, by its type. */
export interface {jobs} {{
{entries}}}

/** Publishes jobs of the worker `{contract.worker}`. */
export class {client} {{
{members}  readonly #publisher: Publisher;

  /**
   * @param redis - A client of `ioredis` or of `redis`, connected to the worker's Redis.
   * @param options - Where and how to publish.
   */
  constructor(redis: IoRedis | NodeRedis, options: ClientOptions = {{}}) {{
    this.#publisher = new Publisher(redis, options);
{made}  }}

  /**
   * The job of a type, for code that is not about one job.
   *
   * @throws PayloadError when the contract has no such job.
   */
  job<T extends keyof {jobs}>(type: T): {jobs}[T] {{
    return this.#publisher.job<never>(type) as unknown as {jobs}[T];
  }}
}}
"""


def _member(place: Place, kinds: dict[str, str], indent: str) -> str:
    return f"{_doc(policy(place.job), indent)}{indent}readonly {place.name}: {kinds[place.job.type]};\n"


def _made(place: Place) -> str:
    return f"this.job({json.dumps(place.job.type)})"


def _data(contract: Contract, shapes: Shapes) -> str:
    jobs = {
        job.type: {
            "function": job.path,
            "payload": shapes.payloads[job.type],
            "version": job.version,
            "timeout": -1 if job.timeout is None else job.timeout,
            "resultTtl": job.result_ttl,
            "jobId": id_parts(job.job_id) if isinstance(job.job_id, str) else job.job_id,
        }
        for job in contract.jobs
    }
    types = {name: runtime_shape(each) for name, each in shapes.definitions.items()}
    lines = "".join(f"  {json.dumps(line, ensure_ascii=False)},\n" for line in script().split("\n"))
    return f"""const QUEUE = {_leaf(contract.queue)};
const QUEUES: readonly string[] = {literal(list(contract.queues), _leaf, _key, 0)};
const PREFIX = {_leaf(contract.prefix)};

const SHAPES: Readonly<Record<string, Shape>> = {literal(types, _leaf, _key, 0)};

const JOBS: Readonly<Record<string, JobContract>> = {literal(jobs, _leaf, _key, 0)};

/** Runs inside Redis: queues a job unless one with its id is waiting or running. */
const SCRIPT = [
{lines}].join("\\n");
const SCRIPT_SHA = createHash("sha1").update(SCRIPT).digest("hex");"""


def _key(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name)
    return name if plain else json.dumps(name, ensure_ascii=False)


def _leaf(value: Any) -> str:
    if isinstance(value, Pattern):
        return f"/{value.javascript or '(?:)'}/u"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE:
        return f"{value}n"
    return json.dumps(value, ensure_ascii=False)
