"""The threat models by name: the balls, and those with parameters."""

from collections.abc import Callable

from hardsight.attacks.balls import BALLS, Ball, parse_radius
from hardsight.attacks.threats.focus import Focus
from hardsight.attacks.threats.light import Light
from hardsight.attacks.threats.low_frequency import LowFrequency
from hardsight.attacks.threats.perceptual import Perceptual
from hardsight.attacks.threats.pose import Pose
from hardsight.attacks.threats.sticker import Sticker
from hardsight.attacks.threats.threat import Threat
from hardsight.attacks.threats.universal import Universal
from hardsight.core.suggestions import choices

THREATS: dict[str, type[Threat]] = {
    threat.name: threat
    for threat in (Light, Pose, Focus, Sticker, LowFrequency, Universal, Perceptual)
}
"""Name -> threat with parameters; a new one is a file of its own and an entry here."""

_KNOWN: dict[str, Callable[[float], Ball | Threat]] = {**BALLS, **THREATS}


def build_threat(norm: str, eps: str | float) -> Ball | Threat:
    """Return the threat model called ``norm``: a ball, or one of ``THREATS``.

    Args:
        norm: "Linf", "L2", "light", "pose", ...; in capitals or not.
        eps: radius or severity, e.g. ``"8/255"``.

    Raises:
        ValueError: an unknown name, or an eps that is none.
    """
    known = {name.lower(): model for name, model in _KNOWN.items()}
    if str(norm).lower() not in known:
        raise ValueError(f"the threat norm={norm!r} is not known; {choices(str(norm), _KNOWN)}")
    return known[norm.lower()](parse_radius(eps))


def default_eps(norm: str, otherwise: str | float = "2/255") -> str | float:
    """Return the severity of a threat, or the radius ``otherwise``, where none is asked for."""
    threat = THREATS.get(norm.lower())
    return otherwise if threat is None else threat.default
