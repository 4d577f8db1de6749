"""Commands as a person types them, and what they answer."""

from typer.testing import CliRunner

from hardsight.cli.app import app


def call(*arguments: object):
    """Run ``hardsight`` with arguments."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def words(result) -> str:
    """Everything printed, in one line."""
    return " ".join((result.stdout + result.stderr).split())
