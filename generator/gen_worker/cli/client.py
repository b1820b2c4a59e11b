"""The command for an API server's repository: a client, made from a worker's contract."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gen_worker.cli.console import echo, explained, template_root


def client(
    ctx: typer.Context,
    contract: Annotated[
        Path, typer.Argument(metavar="PAYLOADS", help="The worker's payloads.json.")
    ],
    language: Annotated[str, typer.Argument(metavar="LANGUAGE", help="typescript or python.")],
    out: Annotated[Path, typer.Option("--out", help="The file, or a folder for it.")],
    pydantic: Annotated[
        bool, typer.Option("--pydantic", help="Python: payloads are pydantic models.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if it is out of date.")
    ] = False,
) -> None:
    """Write a client that publishes a worker's jobs from an API server.

    The worker itself is not needed, only its payloads.json: copied, or fetched by git.

    \b
    Example:
      gen-worker client payloads.json typescript --out src/payment-client.ts
      gen-worker client payloads.json python --out app/payment_client.py --check
    """
    with explained():
        from gen_worker.errors import ClientError
        from gen_worker.template.client import client_files

        files = client_files(template_root(ctx))
        try:
            document = json.loads(contract.read_text(encoding="utf-8"))
        except OSError as error:
            raise ClientError(f"{contract} cannot be read: {error.strerror}.") from None
        except ValueError:
            raise ClientError(f"{contract} is no JSON.") from None
        try:
            done = files.refresh(document, language, out, pydantic=pydantic, check=check)
        except files.StaleClientError as error:
            raise ClientError(f"{error}.") from None
        except ValueError as error:
            raise ClientError(f"{contract}: {error}.") from None
        echo(f"{done[:1].upper()}{done[1:]}.")
