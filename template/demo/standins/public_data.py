"""Stands in for data.go.kr: made-up apartment trades, in the shape of the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vendor_server import vendor_server

_TOTAL = 2500


@contextmanager
def serve(folder: Path) -> Iterator[dict[str, str]]:
    """Run it while inside; see `standins`."""

    def answer(path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
        page, size = int(query["pageNo"]), int(query["numOfRows"])
        numbers = range((page - 1) * size, min(page * size, _TOTAL))
        print(f"   data.go.kr sent page {page}: {len(numbers)} of {_TOTAL} trades", flush=True)
        rows = [_trade(number, query.get("DEAL_YMD", "202601")) for number in numbers]
        content = {"items": {"item": rows}, "numOfRows": size, "pageNo": page}
        header = {"resultCode": "000", "resultMsg": "OK"}
        return {"response": {"header": header, "body": content | {"totalCount": _TOTAL}}}

    with vendor_server(answer) as url:
        yield {
            "GOVERMENT_KOREA_DATA_BASE_URL": url,
            "GOVERMENT_KOREA_DATA_SERVICE_KEY": "demo%2Bkey%3D%3D",
        }


def _trade(number: int, month: str) -> dict[str, Any]:
    return {
        "aptNm": f"데모아파트 {number % 40 + 1}단지",
        "umdNm": "역삼동",
        "jibun": f"{number % 900 + 1}",
        "dealYear": int(month[:4]),
        "dealMonth": int(month[4:]),
        "dealDay": number % 28 + 1,
        "dealAmount": f"{90_000 + number * 7:,}",
        "excluUseAr": 84.99,
        "floor": number % 25 + 1,
        "buildYear": 1990 + number % 30,
    }
