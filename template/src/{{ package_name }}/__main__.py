"""Entry point of `python -m`; the console script is the same."""

from .kit.entry import main

main()
