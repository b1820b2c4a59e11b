"""`fcm_auth.json`: the service account's key, checked before the worker takes a job."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...config import SettingsError
from .settings import FcmSettings

FILE_NAME = "fcm_auth.json"
_NEEDED = ("project_id", "client_email", "private_key", "token_uri")


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account of Firebase.

    Args:
        project_id: The Firebase project.
        info: The whole file, private key included.
    """

    project_id: str
    info: dict[str, Any] = field(repr=False)


def read_account(settings: FcmSettings) -> ServiceAccount:
    """Read and check the file.

    Raises:
        SettingsError: It is missing, unreadable or no service account's key; the message
            names the variable and the file, and tells nothing of its content.
    """
    path = settings.fcm_auth_json_dir / FILE_NAME
    info = _load(path)
    missing = [name for name in _NEEDED if not _filled(info.get(name))]
    if info.get("type") != "service_account":
        raise _wrong(path, 'is no service account\'s key ("type" must be "service_account")')
    if missing:
        raise _wrong(path, f"lacks {', '.join(missing)}")
    _check_key(path, info["private_key"])
    return ServiceAccount(info["project_id"], info)


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows editors put a mark before it
    except FileNotFoundError:
        raise _wrong(path, "does not exist") from None
    except OSError as error:
        raise _wrong(path, f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise _wrong(path, "is not UTF-8 text: save it as UTF-8") from None
    try:
        info = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", "?")
        raise _wrong(path, f"is not valid JSON (line {line})") from None
    if not isinstance(info, dict):
        raise _wrong(path, "holds no JSON object")
    return info


def _check_key(path: Path, key: str) -> None:
    # Imported late, and much lighter than Firebase's library, which reads the key when used.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        loaded = load_pem_private_key(key.encode(), password=None)
    except Exception:  # each of the library's reasons means the same here
        loaded = None
    if not isinstance(loaded, RSAPrivateKey):
        # `from None`, and nothing of the library's text: it may quote the key.
        raise _wrong(path, "has a private_key that is no RSA key in PEM form") from None


def _filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _wrong(path: Path, problem: str) -> SettingsError:
    return SettingsError(f"FCM_AUTH_JSON_DIR: {path} {problem}")
