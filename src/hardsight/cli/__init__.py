"""The command ``hardsight``: one file a command."""

from hardsight.cli.app import main

__all__ = ["main"]
