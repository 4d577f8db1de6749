"""From a request's body to images that a model can score."""

from collections.abc import Iterable

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from hardsight.core.validation import first_problem
from hardsight.serve.api.problems import Problem
from hardsight.serve.api.shapes import ScoreRequest

Upload = tuple[bytes, str]
"""The bytes of an image file, and where it came from."""


async def uploads(request: Request, source: str, most: int) -> list[Upload]:
    """Read the images of a form (multipart/form-data, one file a field, of any names).

    Raises:
        Problem: no form, none or too many images.
    """
    async with request.form(max_files=most, max_fields=most) as form:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        found = [(await file.read(), named(source, file.filename)) for file in files]
    return counted(found, most)


def encoded(body: bytes, source: str, most: int) -> tuple[list[Upload], bool]:
    """Read the images of a JSON body, and whether heat maps are wanted.

    Raises:
        Problem: no such JSON, none or too many images.
    """
    try:
        asked = ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        raise Problem(422, first_problem(error)) from error
    found = [(image.data, named(source, image.source)) for image in asked.images]
    return counted(found, most), asked.heat_map


def counted(found: list[Upload], most: int) -> list[Upload]:
    """Return images if there is at least one, and not too many."""
    if not found:
        raise Problem(422, "there is no image; send at least one file")
    if len(found) > most:
        raise Problem(413, f"{len(found)} images; {most} are taken at a time: send fewer")
    return found


def named(*parts: str | None) -> str:
    """Return where an image came from: what is known of it, in printable characters."""
    return clean("/".join(part for part in parts if part))


def clean(text: Iterable[str]) -> str:
    """Return text without control characters, and no longer than the log shows."""
    return "".join(c if c.isprintable() else "?" for c in text)[:300]
