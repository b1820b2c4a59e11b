"""A Firebase of the test's own: token server and FCM, on a real HTTP server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

PROJECT = "worker-test"
SEND = f"/v1/projects/{PROJECT}/messages:send"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


@cache
def private_key() -> str:
    """An RSA key made here, in PEM form."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def account(server: HTTPServer) -> dict[str, str]:
    """What `fcm_auth.json` holds."""
    return {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": private_key(),
        "client_email": f"worker@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": server.url_for("/token"),
    }


def write_account(folder: Path, content: object) -> Path:
    """Write `fcm_auth.json`."""
    path = folder / "fcm_auth.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def refusal(status: int, name: str, code: str | None = None, **headers: str) -> Response:
    """An error as FCM writes it; underscores in header names become hyphens."""
    details = [{"@type": FCM_ERROR, "errorCode": code}] if code else []
    return _error(status, name, details, headers)


def invalid(field: str) -> Response:
    """INVALID_ARGUMENT that names a field."""
    details = [{"@type": BAD_REQUEST, "fieldViolations": [{"field": field}]}]
    return _error(400, "INVALID_ARGUMENT", details, {})


def _error(status: int, name: str, details: list[dict], headers: dict[str, str]) -> Response:
    body = {"error": {"code": status, "message": "no", "status": name, "details": details}}
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Response(json.dumps(body), status, named, content_type="application/json")


class FakeFcm:
    """Takes every message, except for those to tokens that `answers` knows.

    Args:
        server: Where it listens.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.bodies: list[dict] = []
        self.topics: list[tuple[str, str]] = []
        self.answers: dict[str, Response | Callable[[], Response]] = {}
        self.token_calls = 0
        self.lock = threading.Lock()
        server.expect_request("/token", method="POST").respond_with_handler(self._token)
        server.expect_request(SEND, method="POST").respond_with_handler(self._send)
        server.expect_request(re.compile(".*/registrations/.*")).respond_with_handler(self._topic)

    def _token(self, _: Request) -> Response:
        self.token_calls += 1
        body = {"access_token": "access", "expires_in": 3600, "token_type": "Bearer"}
        return Response(json.dumps(body), content_type="application/json")

    def _send(self, request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer access"
        body = request.get_json()
        with self.lock:
            self.bodies.append(body)
            number = len(self.bodies)
        answer = self.answers.get(body["message"].get("token", "topic"))
        if answer is not None:
            return answer if isinstance(answer, Response) else answer()
        name = f"projects/{PROJECT}/messages/{number}"
        return Response(json.dumps({"name": name}), content_type="application/json")

    def _topic(self, request: Request) -> Response:
        token = request.path.split("/registrations/")[1].split("/")[0]
        self.topics.append((request.method, token))
        return self.answers.get(token) or Response("{}", content_type="application/json")
