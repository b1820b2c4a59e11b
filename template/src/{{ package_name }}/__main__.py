"""Entry point of `python -m`; the console script is the same."""

from .cli import main

main()
