"""The command ``hardsight``: one file a command.

A command imports what it needs when it runs, once ``check_given`` has looked at runs and device:
torch and diffusers take seconds, help and the answer to a mistyped run must not.
"""

from hardsight.cli.app import main

__all__ = ["main"]
