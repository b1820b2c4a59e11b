"""Stands in for Firebase: takes every push and tells what it took. The key is made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from vendor_server import vendor_server


@contextmanager
def serve(folder: Path) -> Iterator[dict[str, str]]:
    """Run it while inside; see `standins`."""

    def answer(path: str, query: dict[str, str], body: Any) -> dict[str, Any]:
        if path == "/token":
            return {"access_token": "demo", "expires_in": 3600, "token_type": "Bearer"}
        message = body["message"]
        text = message.get("notification", {}).get("body", "data")
        print(f"   Firebase took, for {message.get('token', 'a topic')}: {text}", flush=True)
        return {"name": "projects/demo/messages/1"}

    with vendor_server(answer) as url:
        secrets = folder / "secrets"
        secrets.mkdir()
        account = {
            "type": "service_account",
            "project_id": "demo",
            "client_email": "demo@demo.iam.gserviceaccount.com",
            "private_key": _private_key(),
            "token_uri": f"{url}/token",
        }
        (secrets / "fcm_auth.json").write_text(json.dumps(account))
        yield {"FCM_AUTH_JSON_DIR": str(secrets), "FCM_BASE_URL": url}


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, *form).decode()
