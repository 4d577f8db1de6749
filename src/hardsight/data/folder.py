"""A data set from plain folders of normal and abnormal images; anomalib's argument names."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hardsight.core.folders import real_path
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import IMAGE_EXTENSIONS, common_folder, existing_folder, images_below
from hardsight.data.image_set import Sample
from hardsight.data.matching import match_masks
from hardsight.data.options import LoadOptions
from hardsight.data.places import on_disk

Folders = str | Path | Sequence[str | Path]


def folder(
    normal_dir: Folders,
    abnormal_dir: Folders | None = None,
    normal_test_dir: Folders | None = None,
    mask_dir: Folders | None = None,
    root: str | Path | None = None,
    extensions: Iterable[str] | None = None,
    name: str | None = None,
    **options: Any,
) -> AnomalyData:
    """Build a data set from folders, each read with its subfolders.

    Without ``normal_test_dir`` the normal test images are held out of ``normal_dir``; without
    ``abnormal_dir`` as well, nothing is held out and the test set is empty. A defect is named
    after the folder its image lies in.

    Args:
        normal_dir: Folder, or folders, of normal images; or URLs. Relative to ``root``, as are the
            others.
        abnormal_dir: Anomalous test images.
        normal_test_dir: Normal test images.
        mask_dir: Masks of the anomalous images, see ``match_masks``. Some may be missing;
            localisation cannot be measured then.
        root: Folder of the data set; the common folder of all that is given if None.
        extensions: Suffixes that count as images; ``IMAGE_EXTENSIONS`` if None.
        name: The root's name if None.
        options: Fields of ``LoadOptions``, such as ``size``, ``seed``, ``on_error``.

    Raises:
        FileNotFoundError: a folder does not exist.
        TypeError: no such option.
        ValueError: a folder holds no image, no mask matches, one file is named twice, or too few
            normal images to split.
    """
    chosen = LoadOptions.of(**options)
    root = None if root is None else on_disk(root)
    endings = _endings(extensions)
    normal = _gather(normal_dir, root, "normal_dir", endings)
    tested = _gather(normal_test_dir, root, "normal_test_dir", endings)
    abnormal = _gather(abnormal_dir, root, "abnormal_dir", endings)
    masks = _gather(mask_dir, root, "mask_dir", IMAGE_EXTENSIONS)
    if masks and not abnormal:
        raise ValueError("mask_dir is given without abnormal_dir; name the images it belongs to")
    named = {"normal_dir": normal, "normal_test_dir": tested, "abnormal_dir": abnormal}
    _check_disjoint(named | {"mask_dir": masks})

    given = [Sample(path, anomalous=False) for path in tested]
    train, validation, good = chosen.hold_out(
        [Sample(path, anomalous=False) for path in normal],
        _split_root(normal),
        tested=None if abnormal and not tested else given,
    )
    everything = [*normal, *tested, *abnormal, *masks]
    base = root if root is not None else common_folder(everything)
    found = match_masks(
        [Sample(path, anomalous=True, defect=path.parent.name) for path in abnormal],
        abnormal,
        masks,
        "mask_dir",
    )
    return chosen.data(base, (train, validation, [*good, *found.samples]), found.note(base), name)


def _gather(
    folders: Folders | None, root: Path | None, argument: str, extensions: frozenset[str]
) -> dict[Path, Path]:
    """Return image file -> the folder given, for every image below the folders."""
    if folders is None:
        return {}
    given = [folders] if isinstance(folders, str | Path) else list(folders)
    base = existing_folder(root, "root") if root is not None else Path()
    tops = [base / on_disk(one) for one in given]
    found = [(path, top) for top in tops for path in images_below(top, argument, extensions)]
    twice = next((p for p, n in Counter(path for path, _ in found).items() if n > 1), None)
    if twice is not None:
        raise ValueError(f"{argument} names {str(twice)!r} twice; give folders that do not overlap")
    return dict(found)


def _check_disjoint(named: Mapping[str, Mapping[Path, Path]]) -> None:
    owner: dict[Path, str] = {}
    for argument, paths in named.items():
        for path in paths:
            first = owner.setdefault(real_path(path), argument)
            if first != argument:
                raise ValueError(
                    f"{str(path)!r} lies in both {first} and {argument}; "
                    "give folders that do not contain each other"
                )


def _split_root(files: Mapping[Path, Path]) -> Path | None:
    """Return the folder given, if there is but one: the split then depends on nothing above it."""
    tops = set(files.values())
    return tops.pop() if len(tops) == 1 else None


def _endings(extensions: Iterable[str] | None) -> frozenset[str]:
    if extensions is None:
        return IMAGE_EXTENSIONS
    given = [extensions] if isinstance(extensions, str) else list(extensions)
    if not given:
        raise ValueError("extensions is empty; leave it None for all image files")
    return frozenset(f".{ending.lower().removeprefix('.')}" for ending in given)
