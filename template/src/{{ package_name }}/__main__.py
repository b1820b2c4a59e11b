"""Entry point of `python -m`; the console script is the same."""

from .entry import main

main()
