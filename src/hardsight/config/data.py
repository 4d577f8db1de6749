"""Where the images of a run come from."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from hardsight.config.config import STRICT
from hardsight.core.presets import ConfigError
from hardsight.core.progress import Progress, quiet
from hardsight.core.suggestions import choices
from hardsight.data import (
    LABELLED,
    AnomalyData,
    LabelledImages,
    Part,
    categories,
    few,
    folder,
    load,
    together,
)
from hardsight.data.images import Aspect
from hardsight.data.places import below, exists, on_disk


class DataConfig(BaseModel):
    """Where the images come from; see ``hardsight.data`` for each layout's arguments."""

    model_config = STRICT

    path: str | None = None
    """Folder of a data set in a known layout, or a table of images, or the URL of one; a path is
    relative to where the command ran."""
    category: str | tuple[str, ...] | None = None
    """One below ``path``; several, or "all", for one model of them together."""
    split: str | None = None
    """Name of a split that the layout offers beside the official one; None: the official one."""
    normal_dir: str | None = None
    abnormal_dir: str | None = None
    mask_dir: str | None = None
    validation_fraction: float = Field(0.2, gt=0, lt=1)
    """Share of the training normals held out for selection and calibration."""
    limit_train: int | None = Field(None, ge=2)
    """Train on so many normals (of each category), evenly spread; None: on all that are not held
    out, which stay the same."""
    bits: int | None = Field(None, ge=1, le=16)
    """Depth of grey images in files of 16 bits, e.g. 12 of a camera; None: all of it."""
    aspect: Aspect = "stretch"
    """What becomes of images that are no squares: "keep" leaves their shape, and repeats their
    outermost pixels beside them; see ``hardsight.data.images.Aspect``."""
    on_error: Literal["stop", "skip"] = "stop"
    """What an unreadable image does: stop the run, or be skipped and listed."""

    @property
    def top(self) -> str | None:
        """The folder of the data set, or its URL; without one, that of the normal images."""
        return self.path or self.normal_dir

    def at(self, path: str | Path) -> "DataConfig":
        """Return where another data set lies, which is read as this one: of its categories any one.

        Folders of images that are named by themselves, and not below ``path``, are not its own.
        """
        one = isinstance(self.category, str) and self.category != "all"
        changed = {"path": str(path), "category": self.category if one else None}
        own = dict.fromkeys(("normal_dir", "abnormal_dir", "mask_dir")) if not self.path else {}
        return self.model_copy(update=changed | own)

    @model_validator(mode="after")
    def _all_is_used(self) -> "DataConfig":
        """Refuse what would not be looked at: a folder, or the choice of a part, beside others."""
        bare = self.normal_dir is None
        names = ("abnormal_dir", "mask_dir") if bare else ("category", "split")
        idle = " and ".join(name for name in names if getattr(self, name) is not None)
        if idle and bare:
            raise ValueError(f"without normal_dir nothing looks at {idle}; name that folder, too")
        if idle:
            raise ValueError(f"beside normal_dir nothing looks at {idle}; leave out either")
        return self


class LabelledConfig(BaseModel):
    """Where images with classes come from."""

    model_config = STRICT

    path: str | None = None
    """Folder of the files of MNIST or CIFAR-10, or its URL; a path is relative to where the command
    ran."""
    name: str | None = None
    """Which of ``hardsight.data.LABELLED``; None: the one that lies there."""

    @field_validator("name")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in LABELLED:
            raise ValueError(f"{name!r} is not known; {choices(name, LABELLED)}")
        return name


def load_data(
    place: DataConfig,
    size: int,
    seed: int = 0,
    progress: Progress = quiet,
    at_most: bool = False,
) -> AnomalyData:
    """Load the data set that a configuration names, of several categories together.

    At ``size`` x ``size`` pixels. ``progress`` is told of what is decoded meanwhile, category by
    category; see ``LoadOptions``. ``at_most``: fewer training images than ``limit_train`` do, as
    of a data set that nothing is trained on.

    Raises:
        ConfigError: neither a path nor a folder of normal images is named, or fewer training images
            are there than ``limit_train``.
    """
    names = several(place)
    if names:
        each = [place.model_copy(update={"category": name}) for name in names]
        return together([load_data(one, size, seed, progress, at_most) for one in each])
    found = _load_one(place, size, seed, progress)
    if place.limit_train is None or (at_most and place.limit_train >= len(found.train)):
        return found
    if place.limit_train > len(found.train):
        raise ConfigError(
            f"data.limit_train={place.limit_train} (--normals): {found.name} has "
            f"{len(found.train)} training images beside the {len(found.validation)} held out; "
            "take no more than that"
        )
    return few(found, place.limit_train)


def several(place: DataConfig) -> tuple[str, ...]:
    """Return the categories that a configuration names, where it may be several; else none."""
    if not place.path or place.normal_dir:
        return ()
    if place.category == "all" and not exists(below(place.path, "all")):
        return tuple(categories(place.path))
    return place.category if isinstance(place.category, tuple) else ()


def _load_one(place: DataConfig, size: int, seed: int, progress: Progress) -> AnomalyData:
    """Load one category, or one data set of another layout."""
    common: dict[str, Any] = {
        "size": size,
        "val_fraction": place.validation_fraction,
        "seed": seed,
        "on_error": place.on_error,
        "bits": place.bits,
        "aspect": place.aspect,
        "progress": progress,
    }
    if place.normal_dir:
        return folder(
            place.normal_dir,
            abnormal_dir=place.abnormal_dir,
            mask_dir=place.mask_dir,
            root=place.path,
            **common,
        )
    if not place.path:
        raise ConfigError("data.path or data.normal_dir must name a folder of images: --data DIR")
    category = str(place.category) if place.category else None
    return load(place.path, category, split=place.split, **common)


def load_labelled(place: LabelledConfig, part: Part) -> LabelledImages:
    """Load a part of the images with classes that a configuration names.

    Raises:
        ConfigError: no path is named, nothing known lies there, or more than one thing does.
    """
    if not place.path:
        raise ConfigError("data.path must name a folder of the files of MNIST or CIFAR-10")
    folder, found, missing = on_disk(place.path), {}, []
    for name in [place.name] if place.name else list(LABELLED):
        try:
            found[name] = LABELLED[name](folder, part)
        except FileNotFoundError as error:
            missing.append(str(error))
    if len(found) > 1:
        raise ConfigError(
            f"{place.path} holds {' and '.join(found)}; say which with --set data.name=..."
        )
    if not found:
        raise ConfigError("; ".join(missing))
    return next(iter(found.values()))
