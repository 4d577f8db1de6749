"""Settings of AdvRAD and Bastion: grouped for their constructors, flat for files and records."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from hardsight.detectors.advrad.scoring import Scoring
from hardsight.detectors.advrad.tiling import Tiling


def grouped(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with flat ones in their groups, ``scoring`` and ``tiling``.

    Flat are those of a saved detector's ``config.json`` (``k``, ``tile``, ...). They may also stand
    beside groups, as on the command line, and then change these.

    Args:
        settings: any of the constructor's arguments and of its groups' fields.

    Raises:
        ValueError: settings of tiles, without their size.
    """
    found = dict(settings)
    for name, group in (("scoring", Scoring), ("tiling", Tiling)):
        values = found.pop(name, None)
        values = asdict(values) if isinstance(values, group) else dict(values or {})
        values |= {f.name: found.pop(f.name) for f in fields(group) if f.name in found}
        found[name] = values
    if found["tiling"] and "tile" not in found["tiling"]:
        raise ValueError(
            f"{' and '.join(found['tiling'])}: of tiles, whose size is not given; set tile, too, "
            "e.g. detector.tile=256"
        )
    if found["tiling"].get("tile") is None:  # whole images
        found["tiling"] = None
    return found


def arguments(settings: Mapping[str, Any], default: Scoring) -> dict[str, Any]:
    """Return a constructor's arguments from settings as ``grouped`` takes them.

    Args:
        settings: of a detector, or some of them.
        default: scoring that fields which are missing are taken from.
    """
    found = grouped(settings)
    scoring, tiling = asdict(default) | found["scoring"], found["tiling"]
    return found | {"scoring": Scoring(**scoring), "tiling": tiling and Tiling(**tiling)}


def flat(
    denoiser: dict[str, Any] | None,
    image_size: int,
    scoring: Scoring,
    precision: str,
    tiling: Tiling | None,
) -> dict[str, Any]:
    """Return settings as files and records hold them; without tiles nothing is said of tiles."""
    tiles = asdict(tiling) if tiling else {}
    own = {"denoiser": denoiser, "image_size": image_size}
    return own | asdict(scoring) | {"precision": precision} | tiles
