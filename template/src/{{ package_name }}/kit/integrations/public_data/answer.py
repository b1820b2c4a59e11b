"""What a service answered, in whichever shape: XML or JSON, rows or one of three errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from .result_codes import ResultCode


@dataclass(frozen=True, slots=True)
class Result:
    """An answer that could be read.

    Args:
        code: Its result code, where it is a shared one.
        said: Code and text as they came, for messages.
        rows: The rows, none when there are none.
        total: How many rows match the question altogether, where it was said.
        success: Whether it is no error.
    """

    code: ResultCode | None
    said: str
    rows: list[dict[str, Any]]
    total: int | None
    success: bool


def read_result(body: bytes) -> Result | None:
    """Read an answer.

    Args:
        body: As it came. An XML document with a DOCTYPE, and so with entities, is not read.

    Returns:
        None when it is neither JSON nor XML, or has none of the known shapes.
    """
    tree = _tree(body)
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
        return Result(ResultCode.NORMAL, "", _rows(node["data"]), total, True)
    header = node.get("header")
    head = header if isinstance(header, dict) else node
    code = head.get("resultCode", head.get("code"))
    if code is None:
        return None
    found = _error(code, str(head.get("resultMsg", head.get("msg")) or ""))
    if not found.success or found.code is ResultCode.NO_DATA:
        return found
    content = node.get("body")
    content = content if isinstance(content, dict) else {}
    rows = _rows(content.get("items", content.get("item")))
    return Result(found.code, found.said, rows, _whole(content.get("totalCount")), True)


def _error(code: object, text: str) -> Result:
    found = ResultCode.find(code) or ResultCode.find_text(text)
    success = found in (ResultCode.NORMAL, ResultCode.NO_DATA)
    said = " ".join(f"{code} {text}".split())[:200]
    return Result(found, said, [], 0 if found is ResultCode.NO_DATA else None, success)


def _rows(items: Any) -> list[dict[str, Any]]:
    """Rows from `items`, which may be "", null, one row, a list, or any of them in `item`."""
    if isinstance(items, dict) and set(items) == {"item"}:
        return _rows(items["item"])
    if isinstance(items, dict):
        return [items] if items else []
    return [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []


def _whole(value: object) -> int | None:
    text = str(value).strip().replace(",", "")
    return int(text) if text.isdecimal() else None


def _tree(body: bytes) -> Any:
    text = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in (b"{", b"["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    if text[:1] == b"<":
        return _xml(text)
    return None


def _xml(body: bytes) -> Any:
    # Imported late: JSON is what most services send.
    from defusedxml import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    try:
        root = fromstring(body, forbid_dtd=True)
        return {_name(root): _plain(root)}
    except (ParseError, DefusedXmlException, RecursionError, LookupError, ValueError):
        return None


def _plain(element: Element) -> Any:
    """Elements as dicts, repeated ones as lists, leaves as text, as JSON has them."""
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
