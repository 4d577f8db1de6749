"""What lies beside an entry, of whoever sent it: its report and its pictures, made harmless."""

from pathlib import Path
from typing import Self

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from hardsight.benchmark.entry import PICTURES, REPORT, beside
from hardsight.core.validation import first_problem
from hardsight.reports.gallery import Shown
from hardsight.reports.pictures import is_embedded
from hardsight.reports.sanitiser import sanitised


class Pictures(BaseModel):
    """Pictures of some test images, which the page of a method shows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attack: str
    images: tuple[Shown, ...]

    @model_validator(mode="after")
    def _are_pictures(self) -> Self:
        for image in self.images:
            for caption, address in image.pictures:
                if not is_embedded(address):
                    raise ValueError(f"{caption!r} of {image.name!r} is no embedded JPEG picture")
        return self


def pictures_of(entry: Path) -> Pictures | None:
    """Read the pictures beside the file of an entry; None: there are none.

    Raises:
        ValueError: the file holds something else than text and embedded pictures, or is a link.
    """
    path = beside(entry, PICTURES)
    if not _is_there(path):
        return None
    try:
        return Pictures.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        said = first_problem(error) if isinstance(error, ValidationError) else error
        raise ValueError(
            f"{path} holds no pictures as hardsight benchmark writes them: {said}; leave it out"
        ) from None


def report_of(entry: Path) -> Markup | None:
    """Read what the report beside the file of an entry shows, sanitised; None: there is none.

    Raises:
        ValueError: the file is no text, or is a link.
    """
    path = beside(entry, REPORT)
    if not _is_there(path):
        return None
    try:
        return sanitised(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no report in UTF-8: {error}; leave it out") from None


def _is_there(path: Path) -> bool:
    """Tell whether a file is there; a link would publish what its sender cannot read."""
    if path.is_symlink():
        raise ValueError(f"{path} is a symbolic link; put the file itself there, or leave it out")
    return path.is_file()
