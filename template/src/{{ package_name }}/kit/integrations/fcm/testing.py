"""A key file for tests, as Firebase hands it out; its key opens nothing."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def prepare(folder: Path) -> dict[str, str]:
    """Write a key file into a folder, and return the variables that lead to it."""
    account = {
        "type": "service_account",
        "project_id": "test",
        "client_email": "test@test.iam.gserviceaccount.com",
        "private_key": _private_key(),
        "token_uri": "http://127.0.0.1:1/token",
    }
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "fcm_auth.json").write_text(json.dumps(account))
    return {"FCM_AUTH_JSON_DIR": str(secrets)}


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(serialization.Encoding.PEM, *form).decode()
