"""Keys that earlier versions wrote, translated when a file is read."""

from collections.abc import Mapping
from typing import Any

RENAMED = {"game": "adversarial_training", "head_training": "map_head_training"}
"""Key of an earlier version -> the key of this one."""


def translated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a configuration under the keys of this version."""
    found = {RENAMED.get(key, key): value for key, value in values.items()}
    if "attack_steps" in found:  # of PLS, whose attack stood beside the other settings
        attack = {"eps": found.pop("eps", 0.0), "steps": found.pop("attack_steps")}
        found["adversary"] = attack if attack["eps"] else None
    return found
