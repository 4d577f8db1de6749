"""Split-conformal thresholds: a false-alarm rate guaranteed from normal scores alone.

Vovk et al., Algorithmic Learning in a Random World (2005); Bates et al., Testing for outliers
with conformal p-values (2023). The only assumption: the calibration scores and the new normal
score are exchangeable (same line, same camera, same light, none of them used in training).
"""

import math
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from hardsight.core.rounding import ceil, floor
from hardsight.core.words import counted
from hardsight.metrics.checks import Floats, as_array, vector

if TYPE_CHECKING:
    from torch import Tensor


def check_rate(level: float) -> float:
    """Return a false-alarm rate that can be asked for.

    Raises:
        ValueError: it is not in (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(
            f"a false-alarm rate must be between 0 and 1, got {level:g}; use 0.01 for 1 %"
        )
    return level


def _alarms(n: int, level: float) -> int:
    """Return floor((n + 1) level): how many of n + 1 exchangeable scores may alarm, at least 1."""
    check_rate(level)
    alarms = floor((n + 1) * level)
    if alarms < 1:
        raise ValueError(
            f"got {counted(n, 'normal score')}, too few for a false-alarm rate of {level:g}: "
            f"give at least {ceil(1 / level - 1)} normal images, "
            f"or choose a rate of at least {1 / (n + 1):.4g}"
        )
    return alarms


def conformal_threshold(normal_scores: ArrayLike, level: float = 0.01) -> float:
    """Return the k-th smallest normal score, k = ceil((n + 1)(1 - level)); above it is an alarm.

    The smallest threshold for which a new exchangeable normal image scores *strictly above* it
    with probability at most ``level``, averaged over calibration sets; for what one calibration
    set can do see ``expected_false_alarm_rate``.

    Args:
        normal_scores: (n,) finite scores of normal images that were not used for training.
        level: false-alarm rate, in (0, 1).

    Raises:
        ValueError: n < 1 / level - 1 (says how many are needed), or bad values.

    Examples:
        >>> conformal_threshold(range(99), level=0.02)
        97.0
    """
    s = vector(normal_scores, "normal_scores")
    return float(np.sort(s)[s.size - _alarms(s.size, level)])


def p_values(scores: ArrayLike, normal_scores: ArrayLike) -> NDArray[np.float64]:
    """Return (N,) conformal p-values: (count(normal >= score) + 1) / (n + 1), in (0, 1].

    For a new normal image P(p <= a) <= a for every a; ``p <= level`` exactly where the score is
    above ``conformal_threshold(normal_scores, level)``.
    """
    s, normal = vector(scores, "scores"), np.sort(vector(normal_scores, "normal_scores"))
    at_least = normal.size - np.searchsorted(normal, s, "left")
    return np.asarray((at_least + 1.0) / (normal.size + 1.0), dtype=np.float64)


def finite_p_values(scores: ArrayLike, normal_scores: ArrayLike) -> NDArray[np.float64]:
    """Return the ``p_values`` (N,) of scores that may not be finite: NaN for those."""
    s = as_array(scores).astype(np.float64, copy=False)
    found, known = np.full(s.shape, np.nan), np.isfinite(s)
    if known.any():
        found[known] = p_values(s[known], normal_scores)
    return found


@overload
def alarms(scores: Floats, threshold: float) -> NDArray[np.bool_]: ...
@overload
def alarms(scores: "Tensor", threshold: float) -> "Tensor": ...
def alarms(scores: Any, threshold: float) -> Any:
    """Tell which scores raise an alarm: those above a threshold, and those that are not finite.

    Of a score that is NaN or infinite nothing is known, and so it never passes as good.
    """
    return ~((scores <= threshold) & (scores > -math.inf))


def expected_false_alarm_rate(n: int, level: float) -> tuple[float, float]:
    """Return (mean, upper): the true false-alarm rate of a threshold set on n normal images.

    Given the calibration set, the true rate of ``conformal_threshold`` is 1 - F(X_(k)). With
    continuous scores F(X_(k)) is the k-th of n uniform order statistics, so the rate follows
    Beta(n + 1 - k, k): its mean is (n + 1 - k) / (n + 1) <= level, and 95 % of calibration sets
    give a rate below ``upper``. Ties between scores only lower the rate.

    Raises:
        ValueError: n < 1 / level - 1, or a level outside (0, 1).
    """
    a = _alarms(n, level)
    return a / (n + 1), float(special.betaincinv(a, n + 1 - a, 0.95))
