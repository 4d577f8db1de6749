"""What a person must know of a data set before a figure on it is believed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from hardsight.core.words import counted, listed
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.depth import bits_needed, brightest_of_sixteen
from hardsight.data.files import relative_name, worker_threads
from hardsight.data.image_check import TRANSPARENCY, enlarged
from hardsight.data.image_set import ImageSet, Sample
from hardsight.data.images import Geometry, geometry, is_small
from hardsight.data.manifest import Manifest
from hardsight.data.masks import is_binary, is_thin, share_marked

T = TypeVar("T")
LONGER = 1.2
"""Times the shorter side from which an image is not square."""


def findings(data: AnomalyData) -> list[str]:
    """Look at every file of a data set, and return what is odd, a sentence each.

    The reader's own ``notes``, held-out copies of training images, and whatever is to be known of
    masks and of the depth of grey. Every file must be readable.

    Raises:
        ImageError: a file cannot be read.
    """
    sets = (data.train, data.validation, data.test)
    return [*data.notes, *_of_images(sets), *_copies(data), *_masks(data.test)]


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


def _of_images(sets: Sequence[ImageSet]) -> list[str]:
    """Tell of shapes, sizes, transparency, and unused depth of grey."""
    return [*_stretched(sets), *_small(sets), *_transparent(sets), *_unused_depth(sets)]


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


def _masks(test: ImageSet) -> list[str]:
    """Name the anomalous images whose masks are missing, grey, thin, or not turned with them."""
    anomalous = [sample for sample in test.samples if sample.anomalous]
    masked = [sample for sample in anomalous if sample.masks]
    shares = _asked(masked, lambda sample: [share_marked(mask) for mask in sample.masks])

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
            _where(masked, lambda sample: not all(is_binary(mask) for mask in sample.masks)),
            "with a mask in shades of grey, of which half the largest value and more counts as "
            "anomalous",
        ),
        *told(
            _where(
                masked,
                lambda sample: any(
                    is_thin(m, test.size, test.decoding.aspect) for m in sample.masks
                ),
            ),
            "with a defect that covers no more than half of any pixel at size "
            f"{test.size}; the mask keeps what it touches, a larger size shows it better",
        ),
        *told(
            [sample for sample, share in zip(masked, shares, strict=True) if not any(share)],
            "with a mask that marks nothing",
            "anomalous image",
        ),
        *told(
            [sample for sample, share in zip(masked, shares, strict=True) if max(share) > 0.5],
            "with a mask that marks more than half of it; look whether that is inverted",
        ),
        *told(
            _where(masked, _is_turned_alone),
            "turned by the EXIF orientation, without the mask; look whether the mask fits the "
            "image as it is shown",
        ),
    ]


def _is_turned_alone(sample: Sample) -> bool:
    turned = geometry(sample.path).orientation > 1
    return turned and any(geometry(mask).orientation == 1 for mask in sample.masks)


def _asked(samples: Sequence[Sample], question: Callable[[Sample], T]) -> list[T]:
    """Return the answer of every sample, asked in threads."""
    with worker_threads() as pool:
        return list(pool.map(question, samples))


def _where(samples: Sequence[Sample], holds: Callable[[Sample], bool]) -> list[Sample]:
    """Return the samples of which something holds."""
    answers = _asked(samples, holds)
    return [sample for sample, answer in zip(samples, answers, strict=True) if answer]


def _stretched(sets: Sequence[ImageSet]) -> list[str]:
    """Tell of images that are far from square, and made so."""
    samples = [sample for one in sets for sample in one.samples if one.decoding.aspect == "stretch"]
    shapes = [(shown.height, shown.width) for shown in _asked(samples, _shape)]
    longer = {shape for shape in shapes if max(shape) >= LONGER * min(shape)}
    if not longer:
        return []
    height, width = max(longer, key=lambda shape: max(shape) / min(shape))
    count = sum(shape in longer for shape in shapes)
    return [
        f"{counted(count, 'image')} not square, as one of {width} x {height}, and stretched; "
        'to leave them in shape read them with aspect="keep" (--set data.aspect=keep)'
    ]


def _small(sets: Sequence[ImageSet]) -> list[str]:
    """Tell of images that are enlarged many times."""
    found = [
        (shape.height, shape.width)
        for one in sets
        for shape in _asked(one.samples, _shape)
        if is_small((shape.height, shape.width), one.size)
    ]
    if not found:
        return []
    return [f"{counted(len(found), 'image')} {enlarged(min(found), sets[0].decoding.size)}"]


def _transparent(sets: Sequence[ImageSet]) -> list[str]:
    """Tell of images with an opacity."""
    samples = [sample for one in sets for sample in one.samples]
    count = sum(shape.transparent for shape in _asked(samples, _shape))
    return [f"{counted(count, 'image')} with {TRANSPARENCY}"] if count else []


def _shape(sample: Sample) -> Geometry:
    return geometry(sample.path)


def _unused_depth(sets: Sequence[ImageSet]) -> list[str]:
    """Tell of grey images in files of 16 bits that use only a small part of these."""
    if any(one.decoding.bits is not None for one in sets):
        return []
    paths: list[Path] = [sample.path for one in sets for sample in one.samples]
    with worker_threads() as pool:
        found = [value for value in pool.map(brightest_of_sixteen, paths) if value is not None]
    used = bits_needed(max(found, default=0))
    if used is None:
        return []
    return [
        f"{counted(len(found), 'grey image')} of 16 bits a pixel without a value above "
        f"{max(found):,}, which "
        f"needs {used}: they are dark, and an attack's eps is {2 ** (16 - used)} times as large a "
        f"part of their range; read them with bits={used} (--set data.bits={used})"
    ]
