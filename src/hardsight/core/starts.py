"""Saved networks that training starts from or a purifier takes, told without opening them."""

from collections.abc import Collection
from pathlib import Path

from hardsight.core.near import near_names
from hardsight.core.suggestions import choices, suggestion

BUNDLED = {
    "photographs": Path(__file__).parents[1] / "detectors" / "advrad" / "starts" / "photographs"
}
"""Name -> folder of a start that comes with hardsight; a card in it says what it was trained on."""
START, PURIFIER = (*BUNDLED, "none"), tuple(BUNDLED)
"""What may be named in place of a folder: to start from, as a purifier."""


def start_folder(start: str | Path) -> Path:
    """Return the folder of a start, which may be the name of a bundled one."""
    return BUNDLED.get(str(start), Path(start))


def ways_to_name(start: str | Path, names: Collection[str]) -> str:
    """Return "name the folder of ...", the way out where a start is none.

    Args:
        start: that was named.
        names: what may be named in place of a folder.
    """
    return (
        "name the folder of a finished run, or of save_pretrained, of an AdvRAD or a Bastion, "
        f"or {choices(Path(start).name, names)}"
    )


def check_start(start: str | Path, asked: str, names: Collection[str]) -> None:
    """Refuse a start that is not there.

    Args:
        start: folder of a run or of a saved detector, or a name.
        asked: what the caller calls it, for the message.
        names: what may be named in place of a folder.

    Raises:
        ValueError: saying what may be named.
    """
    place = start_folder(start)
    if str(start) in names or place.exists():
        return
    ways = ways_to_name(start, names)
    near = f"; {ways}" if suggestion(place.name, names) else near_names(place, ways)
    raise ValueError(f"{asked}={str(start)!r} does not exist{near}")
