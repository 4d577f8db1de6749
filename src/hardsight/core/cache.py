"""Where the user's machine keeps what can be made or fetched again."""

import os
from pathlib import Path

CACHE = "HARDSIGHT_CACHE"
"""Environment variable that names the folder."""


def cache_folder() -> Path:
    """Return the folder of converted weights and of mirrored data sets."""
    own = os.environ.get(CACHE)
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hardsight"
