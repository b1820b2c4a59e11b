"""Stands in for Bizppurio: takes every message and tells what it took."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vendor_server import vendor_server


@contextmanager
def serve(folder: Path) -> Iterator[dict[str, str]]:
    """Run it while inside; see `standins`."""
    numbers = itertools.count(1)

    def answer(path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
        if path == "/v1/token":
            return {"accesstoken": "demo-token", "type": "Bearer", "expired": "20991231000000"}
        kind, content = body["type"], body["content"][body["type"]]
        instead = body.get("resend", {}).get("first")
        spare = f", {instead.upper()} if it cannot be delivered" if instead else ""
        print(f"   Bizppurio took ({kind}{spare}): {content['message']}", flush=True)
        done = {"code": 1000, "description": "Success", "refkey": body["refkey"]}
        return done | {"messagekey": f"demo-{next(numbers)}"}

    with vendor_server(answer) as url:
        yield {
            "BIZPPURIO_MSG_BASE_URL": url,
            "BIZPPURIO_MSG_FROM": "07000000000",
            "BIZPPURIO_MSG_SENDER_KEY": "demo-sender-key",
        }
