"""`python -m gen_worker`: the same as the console script."""

from gen_worker.cli.app import main

if __name__ == "__main__":
    main()
