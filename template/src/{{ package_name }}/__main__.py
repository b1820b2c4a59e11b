"""Entry of the worker: `worker-NAME` and `python -m` both come here. It opens no port."""

from __future__ import annotations

from .kit.entry import start


def main() -> None:
    """Run the command line."""
    start(f"{__package__}.worker")


if __name__ == "__main__":
    main()
