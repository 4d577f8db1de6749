"""Packages that are not installed with hardsight, and that some of it needs."""

from importlib import import_module
from typing import Any


def needed(module: str, package: str, purpose: str, otherwise: str = "") -> Any:
    """Return a module of a package that may not be there.

    Args:
        module: dotted name.
        package: what pip is to install, e.g. an extra: ``'hardsight[onnx]'``.
        purpose: what needs it, as the message says it.
        otherwise: the way round it, if there is one.

    Raises:
        ImportError: it is not installed; the message says how to.
    """
    try:
        return import_module(module)
    except ImportError as error:
        way = f", or {otherwise}" if otherwise else ""
        name = module.partition(".")[0]
        raise ImportError(
            f"{purpose} needs {name}: pip install {package}{way} ({error})"
        ) from error
