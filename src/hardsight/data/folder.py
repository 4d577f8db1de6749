"""A data set from plain folders of normal and abnormal images; anomalib's argument names."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hardsight.data.images import IMAGE_EXTENSIONS, existing_folder, walk
from hardsight.data.samples import (
    AnomalyData,
    ImageSet,
    OnError,
    Sample,
    common_folder,
    relative_name,
    split_validation,
)

Folders = str | Path | Sequence[str | Path]


def folder(
    normal_dir: Folders,
    abnormal_dir: Folders | None = None,
    normal_test_dir: Folders | None = None,
    mask_dir: Folders | None = None,
    root: str | Path | None = None,
    size: int = 256,
    val_fraction: float = 0.2,
    test_fraction: float = 0.2,
    extensions: Iterable[str] | None = None,
    seed: int = 0,
    on_error: OnError = "stop",
    name: str | None = None,
) -> AnomalyData:
    """Build a data set from folders, each read with its subfolders.

    Without ``normal_test_dir`` the normal test images are held out of ``normal_dir``; without
    ``abnormal_dir`` as well, nothing is held out and the test set is empty. The kind of a defect
    is the name of the folder its image lies in.

    Args:
        normal_dir: Folder, or folders, of normal images. Relative to ``root``, as are the others.
        abnormal_dir: Anomalous test images.
        normal_test_dir: Normal test images.
        mask_dir: Masks of the anomalous images: ``<stem>`` or ``<stem>_mask`` with any image
            suffix, in the same subfolder as the image or, where the stem is unique, anywhere
            below. Some may be missing; localisation cannot be measured then.
        root: Folder of the data set; the common folder of all that is given if None.
        size: Side to which images are resized.
        val_fraction: Share of the normal training images held out for validation.
        test_fraction: Share of ``normal_dir`` held out for the test, where that is needed.
        extensions: Suffixes that count as images; ``IMAGE_EXTENSIONS`` if None.
        seed: Of both splits, see ``split_validation``.
        on_error: See ``ImageSet``.
        name: The root's name if None.

    Raises:
        FileNotFoundError: a folder does not exist.
        ValueError: a folder holds no image, no mask matches, one file is named twice, or too few
            normal images to split.
    """
    endings = _endings(extensions)
    normal = _gather(normal_dir, root, "normal_dir", endings)
    tested = _gather(normal_test_dir, root, "normal_test_dir", endings)
    abnormal = _gather(abnormal_dir, root, "abnormal_dir", endings)
    masks = _gather(mask_dir, root, "mask_dir", IMAGE_EXTENSIONS)
    if masks and not abnormal:
        raise ValueError("mask_dir is given without abnormal_dir; name the images it belongs to")
    named = {"normal_dir": normal, "normal_test_dir": tested, "abnormal_dir": abnormal}
    _check_disjoint(named | {"mask_dir": masks})

    train = [Sample(path, anomalous=False) for path in normal]
    test = [Sample(path, anomalous=False) for path in tested]
    everything = [*normal, *tested, *abnormal, *masks]
    base = Path(root) if root is not None else common_folder(everything)
    if abnormal and not tested:
        train, test = split_validation(train, test_fraction, seed, _split_root(normal))
    train, validation = split_validation(train, val_fraction, seed, _split_root(normal))
    test += attach_masks(
        [Sample(path, anomalous=True, kind=path.parent.name) for path in abnormal],
        abnormal,
        masks,
        "mask_dir",
    )
    return AnomalyData(
        name=name if name is not None else base.resolve().name,
        train=ImageSet(train, size, base, on_error),
        validation=ImageSet(validation, size, base, on_error),
        test=ImageSet(test, size, base, on_error),
        root=base,
    )


def attach_masks(
    samples: Sequence[Sample],
    image_roots: Mapping[Path, Path],
    masks: Mapping[Path, Path],
    argument: str,
) -> list[Sample]:
    """Return the samples with their masks, matched by subfolder and stem, then by stem alone.

    Args:
        samples: Anomalous images.
        image_roots: Image file -> the folder its subfolder counts from.
        masks: Mask file -> the folder its subfolder counts from; empty where none were given.
        argument: Named in errors.

    Raises:
        ValueError: there are masks but not one matches.
    """
    by_place: dict[str, Path] = {}
    by_stem: dict[str, list[Path]] = {}
    for path, top in masks.items():
        stem = path.stem.removesuffix("_mask")
        by_place[relative_name(path.parent / stem, top)] = path
        by_stem.setdefault(stem, []).append(path)
    stems = Counter(sample.path.stem for sample in samples)

    def find(sample: Sample) -> Path | None:
        place = relative_name(sample.path.with_suffix(""), image_roots[sample.path])
        alone = by_stem.get(sample.path.stem, [])
        unique = alone[0] if len(alone) == 1 and stems[sample.path.stem] == 1 else None
        return by_place.get(place, unique)

    matched = [replace(sample, mask=find(sample)) for sample in samples]
    if masks and samples and all(sample.mask is None for sample in matched):
        example, mask = samples[0].path, next(iter(masks))
        raise ValueError(
            f"no mask in {argument} matches an image: for {str(example)!r} a file named "
            f"'{example.stem}.*' or '{example.stem}_mask.*' was looked for, but there are "
            f"{len(masks)} files such as {str(mask)!r}; rename the masks after their images"
        )
    return matched


def images_below(path: Path, argument: str, extensions: Iterable[str]) -> list[Path]:
    """Return the images below an existing folder, sorted.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no image in it.
    """
    found = list(walk(existing_folder(path, argument), extensions))
    if not found:
        endings = " ".join(sorted(extensions))
        held = sorted(p.name for p in path.iterdir())[:5]
        raise ValueError(
            f"{argument}={str(path)!r} holds no image (a file ending in {endings}); "
            f"it holds: {', '.join(held) or 'nothing'}"
        )
    return found


def _gather(
    folders: Folders | None, root: str | Path | None, argument: str, extensions: frozenset[str]
) -> dict[Path, Path]:
    """Return image file -> the folder given, for every image below the folders."""
    if folders is None:
        return {}
    given = [folders] if isinstance(folders, str | Path) else list(folders)
    base = existing_folder(root, "root") if root is not None else Path()
    tops = [base / one for one in given]
    found = [(path, top) for top in tops for path in images_below(top, argument, extensions)]
    twice = next((p for p, n in Counter(path for path, _ in found).items() if n > 1), None)
    if twice is not None:
        raise ValueError(f"{argument} names {str(twice)!r} twice; give folders that do not overlap")
    return dict(found)


def _check_disjoint(named: Mapping[str, Mapping[Path, Path]]) -> None:
    owner: dict[Path, str] = {}
    for argument, paths in named.items():
        for path in paths:
            first = owner.setdefault(path.resolve(), argument)
            if first != argument:
                raise ValueError(
                    f"{str(path)!r} lies in both {first} and {argument}; "
                    "give folders that do not contain each other"
                )


def _split_root(files: Mapping[Path, Path]) -> Path | None:
    """The folder given, if there is one only: the split then depends on nothing above it."""
    tops = set(files.values())
    return tops.pop() if len(tops) == 1 else None


def _endings(extensions: Iterable[str] | None) -> frozenset[str]:
    if extensions is None:
        return IMAGE_EXTENSIONS
    given = [extensions] if isinstance(extensions, str) else list(extensions)
    if not given:
        raise ValueError("extensions is empty; leave it None for all image files")
    return frozenset(f".{ending.lower().removeprefix('.')}" for ending in given)
