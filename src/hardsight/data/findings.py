"""What a person must know of a data set before a figure on it is believed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.depth import bits_needed, brightest_of_sixteen
from hardsight.data.files import listed, relative_name, worker_threads
from hardsight.data.image_set import ImageSet, Sample
from hardsight.data.images import Geometry, geometry
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
    return [
        *training_findings(data),
        *_copies(data),
        *_masks(data.test),
    ]


def training_findings(data: AnomalyData) -> list[str]:
    """Return what is odd before a training, a sentence each: notes, shapes, unused depth of grey.

    Raises:
        ImageError: a file cannot be read.
    """
    sets = (data.train, data.validation)
    return [*data.notes, *_stretched(sets), *_unused_depth(sets)]


def _copies(data: AnomalyData) -> list[str]:
    """Name the held-out images whose files are those of training."""
    found = Manifest.of(data).copies()
    if not found:
        return []
    names = listed([f"{copy.path} ({original.path})" for copy, original in found])
    return [
        f"{len(found)} held-out images are copies of or links to training images: {names}; "
        "remove them, for a figure on them speaks of what was learnt by heart"
    ]


def _masks(test: ImageSet) -> list[str]:
    """Name the anomalous images whose masks are missing, grey, thin, or not turned with them."""
    anomalous = [sample for sample in test.samples if sample.anomalous]
    masked = [sample for sample in anomalous if sample.masks]
    shares = _asked(masked, lambda sample: [share_marked(mask) for mask in sample.masks])

    def told(samples: Iterable[Sample], what: str) -> list[str]:
        names = [relative_name(sample.path, test.root) for sample in samples]
        return [what.format(len(names)) + f": {listed(names)}"] if names else []

    return [
        *told(
            [sample for sample in anomalous if masked and not sample.masks],
            "{} anomalous images have no mask, so that localisation is not measured",
        ),
        *told(
            _where(masked, lambda sample: not all(is_binary(mask) for mask in sample.masks)),
            "{} images have masks with shades of grey, of which half the largest value and more "
            "counts as anomalous",
        ),
        *told(
            _where(
                masked,
                lambda sample: any(
                    is_thin(m, test.size, test.decoding.aspect) for m in sample.masks
                ),
            ),
            f"{{}} images have a defect that covers no more than half of any pixel at size "
            f"{test.size}; the mask keeps what it touches, a larger size shows it better",
        ),
        *told(
            [sample for sample, share in zip(masked, shares, strict=True) if not any(share)],
            "{} anomalous images have a mask that marks nothing",
        ),
        *told(
            [sample for sample, share in zip(masked, shares, strict=True) if max(share) > 0.5],
            "{} images have a mask that marks more than half of them; look whether it is inverted",
        ),
        *told(
            _where(masked, _is_turned_alone),
            "{} images are turned by their EXIF orientation and their masks are not; look whether "
            "the masks fit the images as they are shown",
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
        f"{count} images are not square, as one of {width} x {height}, and are stretched; "
        'to leave them in shape read them with aspect="keep" (--set data.aspect=keep)'
    ]


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
        f"{len(found)} grey images have 16 bits a pixel but no value above {max(found):,}, which "
        f"needs {used}: they are dark, and an attack's eps is {2 ** (16 - used)} times as large a "
        f"part of their range; read them with bits={used} (--set data.bits={used})"
    ]
