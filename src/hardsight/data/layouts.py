"""Known arrangements of folders, and ``load``, which recognises them."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hardsight.data.folder import attach_masks, folder, images_below
from hardsight.data.images import IMAGE_EXTENSIONS, existing_folder, near_names, walk
from hardsight.data.samples import AnomalyData, ImageSet, OnError, Sample, split_validation


class LayoutError(ValueError):
    """The folder is not arranged as a layout wants it; another layout may fit."""


def mvtec(
    root: str | Path,
    category: str | None = None,
    size: int = 256,
    val_fraction: float = 0.2,
    seed: int = 0,
    on_error: OnError = "stop",
) -> AnomalyData:
    """Read one category arranged as MVTec AD (Bergmann et al., 2019).

    ``train/good``, ``test/good``, ``test/<defect>`` and ``ground_truth/<defect>/<stem>_mask.png``.
    Validation images are those of ``validation/good`` where that folder exists, else
    ``val_fraction`` of ``train/good``.

    Args:
        root: The category's folder, or the data set's with ``category``.
        category: A folder in ``root``; None if ``root`` is the category.
        size: Side to which images are resized.
        val_fraction: Share of the training images held out, without ``validation/good``.
        seed: Of that split, see ``split_validation``.
        on_error: See ``ImageSet``.

    Raises:
        FileNotFoundError: ``root`` or the category does not exist.
        LayoutError: ``root`` is not arranged so.
        ValueError: ``root`` is a whole data set and no category is given, or a folder is empty.
    """
    top = existing_folder(root, "root")
    if category is not None:
        if _is_category(top) and not (top / category).exists():
            raise ValueError(
                f"root={str(top)!r} is a category itself; leave category={category!r} out"
            )
        top = existing_folder(top / category, "root/category")
    if not _is_category(top):
        found = sorted(path.name for path in top.iterdir() if _is_category(path))
        if found:
            raise ValueError(
                f"root={str(top)!r} holds {len(found)} categories; "
                f"choose one with category=...: {', '.join(found)}"
            )
        raise LayoutError(
            f"no folder {str(top / 'train' / 'good')!r}{near_names(top / 'train' / 'good')}"
        )

    train = _normal(top / "train" / "good")
    if (top / "validation" / "good").is_dir():
        validation = _normal(top / "validation" / "good")
    else:
        train, validation = split_validation(train, val_fraction, seed, top / "train" / "good")
    return AnomalyData(
        name=top.resolve().name,
        train=ImageSet(train, size, top, on_error),
        validation=ImageSet(validation, size, top, on_error),
        test=ImageSet(_mvtec_test(top), size, top, on_error),
        root=top,
    )


def good_bad(
    root: str | Path,
    size: int = 256,
    val_fraction: float = 0.2,
    test_fraction: float = 0.2,
    seed: int = 0,
    on_error: OnError = "stop",
) -> AnomalyData:
    """Read a folder with ``normal`` (or ``good``), and perhaps ``abnormal`` and ``masks``.

    ``abnormal`` may be called ``bad`` or ``defect`` as well, ``masks`` ``mask``; case does not
    matter. See ``folder`` for the rest, the arguments and the errors.

    Raises:
        LayoutError: there is no such folder of normal images, or two names for one thing.
    """
    top = existing_folder(root, "root")
    normal = _one_of(top, ("normal", "good"))
    if normal is None:
        raise LayoutError(f"no folder 'normal' or 'good' in {str(top)!r}")
    return folder(
        normal,
        abnormal_dir=_one_of(top, ("abnormal", "bad", "defect", "defects")),
        mask_dir=_one_of(top, ("masks", "mask")),
        root=top,
        size=size,
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        seed=seed,
        on_error=on_error,
    )


LAYOUTS: dict[str, Callable[..., AnomalyData]] = {"mvtec": mvtec, "good_bad": good_bad}
"""Layout -> reader, in the order in which ``load`` tries them."""


def load(path: str | Path, **options: Any) -> AnomalyData:
    """Read a data set with the first of ``LAYOUTS`` that its folder is arranged as.

    Args:
        path: The folder.
        options: Arguments of that layout, such as ``size``, ``seed``, ``on_error``, ``category``.

    Raises:
        FileNotFoundError: no such folder.
        LayoutError: no layout that has these options fits; the message says what each would want.
        ValueError: as the layout's reader.
    """
    existing_folder(path, "path")
    reasons = []
    for name, read in LAYOUTS.items():
        unknown = options.keys() - inspect.signature(read).parameters.keys()
        if unknown:
            reasons.append(f"{name}: has no option {', '.join(sorted(unknown))}")
            continue
        try:
            return read(path, **options)
        except LayoutError as error:
            reasons.append(f"{name}: {error}")
    raise LayoutError(
        f"path={str(path)!r} is arranged as no known layout. Wanted is either train/good, "
        "test/<defect> and ground_truth/<defect> (mvtec), or normal/ with abnormal/ and masks/ as "
        f"far as there are any (good_bad). Found: {'; '.join(reasons)}. "
        "Rearrange it, or name the folders with hardsight.data.folder"
    )


def categories(root: str | Path) -> list[str]:
    """Return the names of the categories arranged as MVTec AD in a data set's folder, sorted.

    Raises:
        FileNotFoundError: no such folder.
        LayoutError: there is none in it.
    """
    top = existing_folder(root, "root")
    found = sorted(path.name for path in top.iterdir() if _is_category(path))
    if not found:
        raise LayoutError(f"root={str(top)!r} holds no category, a folder with train/good")
    return found


def _mvtec_test(top: Path) -> list[Sample]:
    if not (top / "test").is_dir():
        return []
    samples: list[Sample] = []
    for place in sorted(path for path in (top / "test").iterdir() if path.is_dir()):
        if place.name.startswith("."):
            continue
        if place.name == "good":
            samples += _normal(place)
            continue
        paths = images_below(place, "test", IMAGE_EXTENSIONS)
        truth = top / "ground_truth" / place.name
        masks = dict.fromkeys(walk(truth), truth) if truth.is_dir() else {}
        found = [Sample(path, anomalous=True, kind=place.name) for path in paths]
        samples += attach_masks(found, dict.fromkeys(paths, place), masks, "ground_truth")
    return samples


def _normal(path: Path) -> list[Sample]:
    name = path.relative_to(path.parents[1]).as_posix()
    return [Sample(p, anomalous=False) for p in images_below(path, name, IMAGE_EXTENSIONS)]


def _is_category(path: Path) -> bool:
    return (path / "train" / "good").is_dir()


def _one_of(top: Path, names: tuple[str, ...]) -> str | None:
    """Return the one folder in ``top`` that has one of the names, None if there is none."""
    found = sorted(p.name for p in top.iterdir() if p.is_dir() and p.name.lower() in names)
    if len(found) > 1:
        raise LayoutError(
            f"{str(top)!r} holds {' and '.join(found)}, which mean the same; keep one"
        )
    return found[0] if found else None
