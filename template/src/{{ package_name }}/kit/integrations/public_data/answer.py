"""Reads the answer of a service: XML or JSON, rows or one of three errors."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from ..text import decoded
from .result_codes import ResultCode

_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)""")
_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Result:
    """An answer that could be read.

    Args:
        code: Its result code, where it is a shared one.
        said: Code and text as they came; the text may repeat the question.
        rows: The rows, none when there are none; None when they have no known shape.
        total: How many rows match the question altogether, where the service says so.
        success: Whether it is no error.
        found: Names of what stands where rows should be, when their shape is unknown.
    """

    code: ResultCode | None
    said: str
    rows: list[dict[str, Any]] | None
    total: int | None
    success: bool
    found: str = ""


def read_result(body: bytes, charset: str | None = None) -> Result | None:
    """Read an answer.

    Args:
        body: As it came. An XML document with a DOCTYPE, and so with entities, is not read.
        charset: The encoding that its header declares.

    Returns:
        None when it is neither JSON nor XML, or has none of the known shapes.
    """
    tree = _tree(body, charset)
    if not isinstance(tree, dict):
        return None
    # XML always has a root, most JSON repeats it: response, OpenAPI_ServiceResponse, ...
    only = next(iter(tree.values())) if len(tree) == 1 else None
    node = only if isinstance(only, dict) else tree
    gateway = node.get("cmmMsgHeader")
    if isinstance(gateway, dict):
        text = gateway.get("returnAuthMsg") or gateway.get("errMsg") or ""
        return _error(gateway.get("returnReasonCode"), str(text))
    if isinstance(node.get("data"), list):  # api.odcloud.kr
        total = _whole(node.get("matchCount", node.get("totalCount")))
        return _success(ResultCode.NORMAL, "", node["data"], total)
    header = node.get("header")
    head = header if isinstance(header, dict) else node
    code = head.get("resultCode", head.get("code"))
    if code is None:
        return None
    found = _error(code, str(head.get("resultMsg", head.get("msg")) or ""))
    if not found.success or found.code is ResultCode.NO_DATA:
        return found
    content = node["body"] if "body" in node else {k: node[k] for k in node if k not in _HEAD}
    total = _whole(content.get("totalCount")) if isinstance(content, dict) else None
    return _success(found.code, found.said, _items(content), total)


# What stands beside rows.
_HEAD = frozenset({"header", "resultCode", "code", "resultMsg", "msg"})


def _success(code: ResultCode | None, said: str, items: Any, total: int | None) -> Result:
    rows = _rows(items)
    found = "" if rows is not None else _names(items)
    return Result(code, said, rows, total, True, found)


def _items(content: Any) -> Any:
    """Return what holds the rows: `items`, `item`, or the only list there is."""
    if not isinstance(content, dict):
        return content
    for name in ("items", "item"):
        if name in content:
            return content[name]
    lists = [each for each in content.values() if isinstance(each, list)]
    if len(lists) == 1:
        return lists[0]
    nested = {name: each for name, each in content.items() if isinstance(each, dict | list)}
    return _Unknown(nested) if nested else None


class _Unknown(dict[str, Any]):
    """Where rows should be, something nobody expected."""


def _error(code: object, text: str) -> Result:
    found = ResultCode.find(code) or ResultCode.find_text(text)
    success = found in (ResultCode.NORMAL, ResultCode.NO_DATA)
    said = " ".join(f"{code} {text}".split())[:200]
    return Result(found, said, [], 0 if found is ResultCode.NO_DATA else None, success)


def _rows(items: Any) -> list[dict[str, Any]] | None:
    """Return the rows of `items`: "", null, one row, a list, or any of them in `item`."""
    if items is None or (isinstance(items, str) and not items.strip()):
        return []
    if isinstance(items, list):
        return items if all(isinstance(each, dict) for each in items) else None
    if not isinstance(items, dict) or isinstance(items, _Unknown):
        return None
    if "item" in items:
        return _rows(items["item"])
    lists = [each for each in items.values() if isinstance(each, list)]
    if lists:
        return _rows(lists[0]) if len(items) == 1 else None
    return [items] if items else []


def _names(items: Any) -> str:
    """Return the names or the kind of what is no row, for a message."""
    if isinstance(items, dict):
        return ", ".join(str(name)[:40] for name in list(items)[:5])
    kinds = {type(each).__name__ for each in items} if isinstance(items, list) else set()
    return f"a list of {', '.join(sorted(kinds))}" if kinds else f"a {type(items).__name__}"


def _whole(value: object) -> int | None:
    text = str(value).strip().replace(",", "")
    return int(text) if text.isdecimal() else None


def _tree(body: bytes, charset: str | None) -> Any:
    declared = _DECLARED.search(body[:200])
    text = decoded(body, declared[1].decode("ascii", "replace") if declared else charset)
    text = text.lstrip("\ufeff \t\r\n")
    if text[:1] in ("{", "["):
        try:
            # Services leave tabs and other control characters in strings.
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            return None
    if text[:1] == "<":
        return _xml(text)
    return None


def _xml(text: str) -> Any:
    # Imported late: JSON is what most services send.
    from defusedxml import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    # The parser knows no EUC-KR, so the declaration goes; XML forbids control characters.
    text = _NO_XML.sub("", _DECLARATION.sub("", text))
    try:
        root = fromstring(text, forbid_dtd=True)
        return {_name(root): _plain(root)}
    except (ParseError, DefusedXmlException, RecursionError, LookupError, ValueError):
        return None


def _plain(element: Element) -> Any:
    """Return elements as dicts, repeated ones as lists, leaves as text, as JSON has them."""
    if not len(element):
        return (element.text or "").strip() or None
    found: dict[str, Any] = {}
    for child in element:
        name, value = _name(child), _plain(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
