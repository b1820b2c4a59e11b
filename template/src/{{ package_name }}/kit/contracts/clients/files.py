"""The client as a file: written, or compared with the one that is there."""

from __future__ import annotations

from pathlib import Path

from . import python, typescript
from .contract import ClientError, read

LANGUAGES = ("typescript", "python")


class StaleClientError(Exception):
    """The client in the file is missing, or not the one that the contract makes."""


def refresh(
    document: object, language: str, out: Path, *, pydantic: bool = False, check: bool = False
) -> str:
    """Write the client of a contract.

    Args:
        document: The contract: what stands in `payloads.json`.
        language: One of `LANGUAGES`.
        out: The file, or a folder for it.
        pydantic: Payloads of a Python client are pydantic models instead of dataclasses.
        check: Write nothing, compare only.

    Returns:
        What was done, in a sentence.

    Raises:
        ClientError: No client can be made, or its file cannot be read or written.
        StaleClientError: `check`, and the file is not up to date.
    """
    if language not in LANGUAGES:
        raise ClientError(f"a client is written in {' or '.join(LANGUAGES)}, not {language}")
    if pydantic and language != "python":
        raise ClientError("--pydantic is for Python")
    contract = read(document)
    if language == "typescript":
        name, text = f"{contract.worker}-client.ts", typescript.write(contract)
    else:
        name = f"{contract.module}_client.py"
        text = python.write(contract, pydantic=pydantic)
    file = out if out.suffix == Path(name).suffix else out / name
    if file.parent.exists() and not file.parent.is_dir():
        raise ClientError(f"{file.parent} is no folder")
    try:
        return _compare(file, text) if check else _write(file, text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ClientError(f"{file}: {reason}") from None


def _compare(file: Path, text: str) -> str:
    if not file.exists():
        raise StaleClientError(f"{file} is missing: write it with this command without --check")
    if file.read_text(encoding="utf-8") != text:
        raise StaleClientError(
            f"{file} is out of date: write it anew with this command without --check"
        )
    return f"up to date: {file}"


def _write(file: Path, text: str) -> str:
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return f"up to date: {file}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")
    return f"wrote {file}"
