"""Matching masks with images, by name and never by position."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hardsight.core.words import counted, listed
from hardsight.data.files import relative_name
from hardsight.data.image_set import Sample


class Matched(NamedTuple):
    """Samples with their masks, and the masks that belong to none of them."""

    samples: list[Sample]
    unused: list[Path]

    def note(self, root: Path) -> list[str]:
        """Return a sentence about the masks that are not used, if there are any."""
        if not self.unused:
            return []
        names = listed([relative_name(path, root) for path in self.unused])
        return [f"{counted(len(self.unused), 'mask')} of no image, not used: {names}"]


def match_masks(
    samples: Sequence[Sample],
    image_roots: Mapping[Path, Path],
    masks: Mapping[Path, Path],
    argument: str,
) -> Matched:
    """Give the samples their masks.

    An image ``<subfolder>/<stem>`` has the mask ``<subfolder>/<stem>`` or ``<stem>_mask``, or else
    all masks in the folder ``<subfolder>/<stem>`` (MVTec LOCO). Where no mask is arranged the
    second way, a stem that is unique among images and masks is enough.

    Args:
        samples: Anomalous images.
        image_roots: Image file -> the folder its subfolder counts from.
        masks: Mask file -> the folder its subfolder counts from; empty where none were given.
        argument: Named in errors.

    Raises:
        ValueError: there are masks but not one matches.
    """
    places = {relative_name(s.path.with_suffix(""), image_roots[s.path]): s for s in samples}
    found: dict[Path, list[Path]] = {sample.path: [] for sample in samples}
    single: dict[str, Path] = {}
    foldered: dict[str, list[Path]] = {}
    for path, top in masks.items():
        single[relative_name(path.parent / _stem(path), top)] = path
        foldered.setdefault(relative_name(path.parent, top), []).append(path)
    for place, sample in places.items():
        found[sample.path] = [single[place]] if place in single else foldered.get(place, [])
    if not any(len(held) for place, held in foldered.items() if place in places):
        _match_stems(samples, masks, found)
    if masks and samples and not any(found.values()):
        example, mask = samples[0].path, next(iter(masks))
        raise ValueError(
            f"no mask in {argument} matches an image: for {str(example)!r} a file named "
            f"'{example.stem}.*' or '{example.stem}_mask.*' was looked for, but there are "
            f"{len(masks)} files such as {str(mask)!r}; rename the masks after their images"
        )
    used = {path for held in found.values() for path in held}
    matched = [replace(sample, masks=tuple(found[sample.path])) for sample in samples]
    return Matched(matched, [path for path in masks if path not in used])


def _match_stems(
    samples: Sequence[Sample], masks: Mapping[Path, Path], found: dict[Path, list[Path]]
) -> None:
    """Give samples without a mask the one whose stem is theirs, where both are unique."""
    images = Counter(sample.path.stem for sample in samples)
    stems = Counter(_stem(path) for path in masks)
    unique = {_stem(path): path for path in masks if stems[_stem(path)] == 1}
    for sample in samples:
        stem = sample.path.stem
        if not found[sample.path] and images[stem] == 1 and stem in unique:
            found[sample.path] = [unique[stem]]


def _stem(mask: Path) -> str:
    return mask.stem.removesuffix("_mask")
