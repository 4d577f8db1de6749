"""``hardsight card``: what a run is, and what is known of it."""

from hardsight.cli.console import explained, say
from hardsight.cli.options import RunFolder, check_given


def card(run: RunFolder) -> None:
    """Print the card of a finished run, in Markdown, and write it into the run as README.md.

    What it is and how to load it; data, recipe and backbone; every figure with its attack and the
    number of images; what was not measured, and how to; limits; SHA-256 of its files. A fit writes
    it; calibrate, evaluate, audit and certify write it anew.

    Examples:

        hardsight card runs/bottle
    """
    check_given(run)
    from hardsight.runs import open_run

    with explained():
        opened = open_run(run)
        made = opened.card()
        say(made)
        opened.write_card(made)
