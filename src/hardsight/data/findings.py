"""What a person must know of a data set before a figure on it is believed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from hardsight.core.progress import Progress, quiet
from hardsight.core.words import counted, listed
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.depth import bits_needed, brightest_of_sixteen
from hardsight.data.files import relative_name, worker_threads
from hardsight.data.image_check import TRANSPARENCY, enlarged
from hardsight.data.image_set import ImageSet, Sample
from hardsight.data.images import Geometry, geometry, is_small
from hardsight.data.manifest import Manifest
from hardsight.data.masks import is_binary, is_thin, share_marked

S = TypeVar("S")
T = TypeVar("T")
LONGER = 1.2
"""Times the shorter side from which an image is not square."""


def findings(data: AnomalyData, progress: Progress = quiet) -> list[str]:
    """Look at every file of a data set, and return what is odd, a sentence each.

    The reader's own ``notes``, held-out copies of training images, and whatever is to be known of
    masks and of the depth of grey. Every file must be readable.

    Args:
        data: of which all is looked at.
        progress: told of the images, and of those with masks.

    Raises:
        ImageError: a file cannot be read.
    """
    sets = (data.train, data.validation, data.test)
    return [*data.notes, *_of_images(sets, progress), *_copies(data), *_masks(data.test, progress)]


def training_findings(data: AnomalyData) -> list[str]:
    """Return what is odd before a training, a sentence each: notes, and of its images.

    Raises:
        ImageError: a file cannot be read.
    """
    return [*data.notes, *_skipped(data), *_of_images((data.train, data.validation))]


def skipped(data: AnomalyData) -> list[str]:
    """Return what a report says of unreadable files: none, or a sentence that names them."""
    return [f"{finding}." for finding in _skipped(data)]


def _skipped(data: AnomalyData) -> list[str]:
    """Name the unreadable files that were left out; nothing where there are none."""
    sets = (data.train, data.validation, data.test)
    names = [relative_name(Path(e.path), one.root) for one in sets for e in one.skipped]
    if not names:
        return []
    return [f"{counted(len(names), 'unreadable file')} left out: {listed(names)}"]


class _Seen(NamedTuple):
    """What was seen of an image file."""

    read: ImageSet
    """The set that it is read by."""
    shape: Geometry
    brightest: int | None
    """The largest value of 16-bit grey of no named depth, see ``brightest_of_sixteen``, or None."""


def _of_images(sets: Sequence[ImageSet], progress: Progress = quiet) -> list[str]:
    """Tell of shapes, sizes, transparency, and unused depth of grey."""

    def look(given: tuple[ImageSet, Path]) -> _Seen:
        one, path = given
        named = one.decoding.bits is not None
        return _Seen(one, geometry(path), None if named else brightest_of_sixteen(path))

    paths = [(one, sample.path) for one in sets for sample in one.samples]
    seen = _asked(paths, look, progress, "check images")
    return [*_stretched(seen), *_small(seen), *_transparent(seen), *_unused_depth(seen)]


def _copies(data: AnomalyData) -> list[str]:
    """Name the held-out images whose files are those of training."""
    found = Manifest.of(data).copies()
    if not found:
        return []
    names = listed([f"{copy.path} ({original.path})" for copy, original in found])
    return [
        f"{counted(len(found), 'held-out image')} copied from or linked to training: {names}; "
        "remove them, for a figure on them speaks of what was learnt by heart"
    ]


class _Marked(NamedTuple):
    """What was seen of the masks of an image."""

    sample: Sample
    grey: bool
    thin: bool
    shares: list[float]
    """Share of the pixels that each mask marks."""
    turned_alone: bool
    """Whether the image is turned by its EXIF orientation, and a mask is not."""


def _masks(test: ImageSet, progress: Progress) -> list[str]:
    """Name the anomalous images whose masks are missing, grey, thin, or not turned with them."""

    def look(sample: Sample) -> _Marked:
        return _Marked(
            sample,
            not all(is_binary(mask) for mask in sample.masks),
            any(is_thin(mask, test.size, test.decoding.aspect) for mask in sample.masks),
            [share_marked(mask) for mask in sample.masks],
            _is_turned_alone(sample),
        )

    anomalous = [sample for sample in test.samples if sample.anomalous]
    masked = [sample for sample in anomalous if sample.masks]
    seen = _asked(masked, look, progress, "check masks")

    def told(samples: Iterable[Sample], what: str, noun: str = "image") -> list[str]:
        names = [relative_name(sample.path, test.root) for sample in samples]
        return [f"{counted(len(names), noun)} {what}: {listed(names)}"] if names else []

    return [
        *told(
            [sample for sample in anomalous if not sample.masks],
            "without a mask, so that localisation is not measured",
            "anomalous image",
        ),
        *told(
            [one.sample for one in seen if one.grey],
            "with a mask in shades of grey, of which half the largest value and more counts as "
            "anomalous",
        ),
        *told(
            [one.sample for one in seen if one.thin],
            "with a defect that covers no more than half of any pixel at size "
            f"{test.size}; the mask keeps what it touches, a larger size shows it better",
        ),
        *told(
            [one.sample for one in seen if not any(one.shares)],
            "with a mask that marks nothing",
            "anomalous image",
        ),
        *told(
            [one.sample for one in seen if max(one.shares) > 0.5],
            "with a mask that marks more than half of it; look whether that is inverted",
        ),
        *told(
            [one.sample for one in seen if one.turned_alone],
            "turned by the EXIF orientation, without the mask; look whether the mask fits the "
            "image as it is shown",
        ),
    ]


def _is_turned_alone(sample: Sample) -> bool:
    turned = geometry(sample.path).orientation > 1
    return turned and any(geometry(mask).orientation == 1 for mask in sample.masks)


def _asked(
    given: Sequence[S], question: Callable[[S], T], progress: Progress, stage: str
) -> list[T]:
    """Return the answer of each, asked in threads; ``progress`` is told of ``stage``."""
    answers = []
    with worker_threads() as pool:
        for answer in pool.map(question, given):
            answers.append(answer)
            progress(stage, len(answers), len(given))
    return answers


def _stretched(seen: Iterable[_Seen]) -> list[str]:
    """Tell of images that are far from square, and made so."""
    shapes = [one.shape[:2] for one in seen if one.read.decoding.aspect == "stretch"]
    longer = {shape for shape in shapes if max(shape) >= LONGER * min(shape)}
    if not longer:
        return []
    height, width = max(longer, key=lambda shape: max(shape) / min(shape))
    count = sum(shape in longer for shape in shapes)
    return [
        f"{counted(count, 'image')} not square, as one of {width} x {height}, and stretched; "
        'to leave them in shape read them with aspect="keep" (--set data.aspect=keep)'
    ]


def _small(seen: Iterable[_Seen]) -> list[str]:
    """Tell of images that are enlarged many times."""
    small = [one for one in seen if is_small(one.shape[:2], one.read.size)]
    if not small:
        return []
    least = min(small, key=lambda one: one.shape[:2])
    return [f"{counted(len(small), 'image')} {enlarged(least.shape[:2], least.read.decoding.size)}"]


def _transparent(seen: Iterable[_Seen]) -> list[str]:
    """Tell of images with an opacity."""
    count = sum(one.shape.transparent for one in seen)
    return [f"{counted(count, 'image')} with {TRANSPARENCY}"] if count else []


def _unused_depth(seen: Iterable[_Seen]) -> list[str]:
    """Tell of grey images in files of 16 bits that use only a small part of these."""
    found = [one.brightest for one in seen if one.brightest is not None]
    used = bits_needed(max(found, default=0))
    if used is None:
        return []
    return [
        f"{counted(len(found), 'grey image')} of 16 bits a pixel without a value above "
        f"{max(found):,}, which "
        f"needs {used}: they are dark, and an attack's eps is {2 ** (16 - used)} times as large a "
        f"part of their range; read them with bits={used} (--set data.bits={used})"
    ]
