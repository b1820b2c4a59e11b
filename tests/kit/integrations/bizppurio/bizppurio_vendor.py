"""The recorded shapes of Bizppurio, on a real HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from uuid import uuid4

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

KST = timezone(timedelta(hours=9))
ACCEPTED = {"code": 1000, "description": "Success"}


class FakeBizppurio:
    """Answers as the manual shows. `tokens` are those it takes; `replies` come first.

    Args:
        server: Where it listens.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.tokens: list[str] = []
        self.issued = 0
        self.lifetime = timedelta(hours=24)
        self.messages: list[dict] = []
        self.requests: list[Request] = []
        self.replies: list[Response | Callable[[], Response]] = []
        self.lock = threading.Lock()
        server.expect_request("/v1/token", method="POST").respond_with_handler(self._token)
        server.expect_request("/v3/message", method="POST").respond_with_handler(self._message)
        for path in ("/v1/file", "/v2/report", "/v1/result/request", "/v1/result/confirm"):
            server.expect_request(path, method="POST").respond_with_handler(self._other)

    def _token(self, request: Request) -> Response:
        if request.authorization.username != "tester" or request.authorization.password != "s3cret":
            return reply(400, 3007, "invalid password in bizppurio.")
        with self.lock:
            self.issued += 1
            self.tokens.append(f"token-{self.issued}-{uuid4().hex}")
            token = self.tokens[-1]
        end = datetime.now(KST) + self.lifetime
        body = {"accesstoken": token, "type": "Bearer", "expired": f"{end:%Y%m%d%H%M%S}"}
        return Response(json.dumps(body), content_type="application/json")

    def _message(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        body = request.get_json()
        with self.lock:
            self.messages.append(body)
            key = f"190922175225820#ft{len(self.messages):06}"
        found = ACCEPTED | {"refkey": body["refkey"], "messagekey": key}
        return Response(json.dumps(found), content_type="application/json")

    def _other(self, request: Request) -> Response:
        return self._refused(request) or reply(200, 1000, "Success")

    def _refused(self, request: Request) -> Response | None:
        self.requests.append(request)
        request.get_data()
        kind, _, token = request.headers["Authorization"].partition(" ")
        if kind != "Bearer" or token not in self.tokens:
            return reply(400, 3002, "jwt must be provided.")
        with self.lock:
            planned = self.replies.pop(0) if self.replies else None
        return planned() if callable(planned) and not isinstance(planned, Response) else planned


def reply(status: int, code: int, description: str = "", **headers: str) -> Response:
    """An answer in the vendor's shape; underscores in header names become hyphens."""
    body = json.dumps({"code": code, "description": description})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, named, content_type="application/json")
