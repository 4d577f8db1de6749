"""``python -m hardsight`` is the command ``hardsight``."""

from hardsight.cli import main

if __name__ == "__main__":
    main()
