"""The folders that a configuration names."""

from pathlib import Path
from typing import Any

from hardsight.config.config import Config, flat
from hardsight.core.starts import BUNDLED
from hardsight.data.remote import is_url

PLACES = ("data.path", "start", "classifier.run")
"""Keys of folders; a start may be the name of a bundled one instead."""
INNER = ("data.normal_dir", "data.abnormal_dir", "data.mask_dir")
"""Keys of folders that are relative to ``data.path``, where that is given."""


def places_of(config: Config) -> tuple[str, ...]:
    """Return the keys by which a configuration names folders, without those below ``data.path``."""
    return PLACES if flat(config.model_dump(mode="json")).get("data.path") else (*PLACES, *INNER)


def anchored(config: Config) -> Config:
    """Return a configuration whose folders mean the same wherever a command runs."""
    values = flat(config.model_dump(mode="json"))
    changes: dict[str, Any] = {
        key: str(Path(values[key]).absolute())
        for key in places_of(config)
        if values.get(key) and values[key] not in BUNDLED and not is_url(values[key])
    }
    return config.updated(changes)
