"""The command ``hardsight``: one file a command.

A command imports what it needs when it runs: torch and diffusers take seconds, help must not.
"""

from hardsight.cli.app import main

__all__ = ["main"]
