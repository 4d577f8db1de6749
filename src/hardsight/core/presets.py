"""The presets that come with hardsight, told without the methods that they are of."""

from pathlib import Path

from hardsight.core.near import near_names
from hardsight.core.suggestions import choices

FOLDER = Path(__file__).parents[1] / "config" / "presets"


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the key, the value and the way out."""


def preset_names() -> list[str]:
    """Return the names of the presets that come with hardsight."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def preset_file(name: str) -> Path:
    """Return the file of a preset, by its name or by the path of a YAML file.

    Raises:
        ConfigError: there is none; the near names are suggested.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.exists():
            raise ConfigError(f"{path} does not exist{near_names(path)}")
        return path
    known = preset_names()
    if name not in known:
        raise ConfigError(
            f"preset={name!r} is not known; give the path of a .yaml file, or "
            f"{choices(name, known)}"
        )
    return FOLDER / f"{name}.yaml"
