"""The three forms in which a result is written."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hardsight.audit import Audit
from hardsight.core.files import write_atomically
from hardsight.evaluation import Certification, ClassCertification, Evaluation
from hardsight.reports import audit, certificate, evaluation


class Form(NamedTuple):
    """How a kind of result is written; each function raises ValueError for what is not finite."""

    html: Callable[[Any], str]
    """One page that needs nothing else: no network, no other file."""
    markdown: Callable[[Any], list[str]]
    """The same in lines of text, without pictures."""
    values: Callable[[Any], Any]
    """All numbers, JSON-ready."""


FORMS: dict[type, Form] = {
    Evaluation: Form(evaluation.html, evaluation.markdown, evaluation.values),
    Audit: Form(audit.html, audit.markdown, Audit.to_json),
    Certification: Form(certificate.html, certificate.markdown, certificate.values),
    ClassCertification: Form(certificate.html, certificate.markdown, certificate.values),
}
"""Result -> how it is written. Several certificates, of the designs of one detector, come as a
list."""


def form_of(result: object) -> Form:
    """Return how a result is written.

    Raises:
        TypeError: it is none.
    """
    one = result[0] if isinstance(result, Sequence) and len(result) else result
    if type(one) not in FORMS:
        known = ", ".join(kind.__name__ for kind in FORMS)
        raise TypeError(f"result must be one of {known}, got {type(one).__name__}")
    return FORMS[type(one)]


def write_html(result: object, path: str | Path) -> Path:
    """Write a result as one HTML file that needs nothing else: no network, no other file.

    Args:
        result: an evaluation, an audit, or a certificate or several.
        path: of the file.

    Raises:
        ValueError: a number that is not finite.
        OSError: the folder cannot be written; what was at ``path`` is then untouched.
    """
    return write_atomically(path, form_of(result).html(result))


def write_markdown(result: object, path: str | Path) -> Path:
    """Write a result as Markdown; errors as ``write_html``."""
    return write_atomically(path, "\n".join([*form_of(result).markdown(result), ""]))


def write_json(result: object, path: str | Path) -> Path:
    """Write all numbers of a result; errors as ``write_html``."""
    values = form_of(result).values(result)
    text = json.dumps(values, allow_nan=False, default=float, ensure_ascii=False)
    return write_atomically(path, text + "\n")


def write_report(result: object, folder: str | Path, name: str = "report") -> Path:
    """Write a result in all three forms, and return the page."""
    place = Path(folder)
    write_json(result, place / f"{name}.json")
    write_markdown(result, place / f"{name}.md")
    return write_html(result, place / f"{name}.html")
