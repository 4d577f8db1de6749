"""Errors whose message is for a person: it names what is wrong, and the way out."""


class ExplainedError(RuntimeError):
    """Something that no other error of Python fits; the message says the way out."""


EXPLAINED = (ValueError, TypeError, OSError, ImportError, ExplainedError)
"""What the library raises for whoever called it; the command line shows the message alone."""
