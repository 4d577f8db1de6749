"""Sequential tests of exchangeability: p-values in a row, bets against them, alarms.

Vovk, Nouretdinov and Gammerman, Testing exchangeability on-line (2003); Vovk et al., Retrain or
not retrain: conformal test martingales for change-point detection (2021).
"""

from bisect import bisect_left, bisect_right, insort

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardsight.metrics.checks import vector

BETS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Slopes of the betting functions 1 + b (p - 1/2): none is negative, each has the integral 1."""
JUMP = 0.01
"""Share of the stakes that is spread over all bets anew at each step."""
EVEN = np.full(len(BETS), 1 / len(BETS))
"""(K,) the stakes to begin with."""


def sequential_p_values(
    values: ArrayLike, past: ArrayLike, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return (N,) smoothed conformal p-values of each value among all that came before it.

    p_i = (count(before > value) + u_i (count(before = value) + 1)) / (count(before) + 1), with
    u_i uniform: ties count by chance. If ``past`` and ``values`` are exchangeable, the p-values
    are independent and uniform on [0, 1], exactly. Proof: read them from the last. Given the
    unordered set of the first i, and everything later, each of these i is as likely to be the
    i-th, so that its smoothed rank is uniform; and the later p-values depend on what is given
    alone. p-values against a fixed set, as ``p_values``, are not independent of each other: bets
    on them win in the long run, whatever that set is.

    Args:
        values: (N,) finite, in the order in which they came; may be empty.
        past: (n,) those before, in any order; may be empty.
        generator: of the u_i, one for each value.
    """
    before = sorted(vector(past, "past", empty=True).tolist())
    found = []
    for value in vector(values, "values", empty=True).tolist():
        first, end = bisect_left(before, value), bisect_right(before, value)
        higher, tied = len(before) - end, end - first + 1
        found.append((higher + generator.random() * tied) / (len(before) + 1))
        insort(before, value)
    return np.asarray(found, np.float64)


def jumper_factors(
    p_values: ArrayLike, stakes: ArrayLike = EVEN
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by what each bet multiplies the capital, Algorithm 1 of Vovk et al. (2021).

    The simple jumper: a mixture over ``BETS`` in which a share ``JUMP`` changes its bet at each
    step. The stakes are known before p_i is, and each betting function has the integral 1: for
    independent uniform p-values each factor has the mean 1, whatever came before (an e-value).

    Args:
        p_values: (N,) in [0, 1].
        stakes: (K,) of the bets, with the sum 1.

    Returns:
        (N,) factors, all above 0; (K,) the stakes after them.
    """
    bets, now = np.asarray(BETS), np.asarray(stakes, np.float64)
    factors = np.empty(np.size(p_values))
    for i, p in enumerate(vector(p_values, "p_values", empty=True)):
        now = ((1 - JUMP) * now + JUMP / bets.size) * (1 + bets * (p - 0.5))
        factors[i] = now.sum()
        now = now / factors[i]
    return factors, now


def shiryaev_roberts(
    factors: ArrayLike, limit: float, start: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Raise an alarm whenever R_i = (R_{i-1} + 1) factor_i reaches the limit, and begin again at 0.

    Of factors whose mean is at most 1, whatever came before, the expected number of alarms among
    the first n is at most n / limit, for every n: **a false alarm at most once in ``limit`` parts,
    on average**. Proof: let A_i be the alarms so far and R_i be 0 after one. An alarm trades at
    least ``limit`` of R for 1 of A, so E[R_i + limit A_i] <= E[R_{i-1} + 1 + limit A_{i-1}] given
    the past, hence limit E[A_n] <= n. By Markov's inequality the probability of any false alarm
    among n parts is at most n / limit too.

    Args:
        factors: (N,) not negative.
        limit: above 1.
        start: the statistic before the first.

    Returns:
        (N,) the statistic, before it begins again; (N,) true at alarms.

    Raises:
        ValueError: a limit of 1 or less.
    """
    if not limit > 1:
        raise ValueError(f"limit must be above 1, got {limit}; 10000 is one false alarm in 10,000")
    statistic = np.empty(np.size(factors))
    now = start
    for i, factor in enumerate(vector(factors, "factors", empty=True)):
        now = statistic[i] = (now + 1) * factor
        if now >= limit:
            now = 0.0
    return statistic, statistic >= limit


def fewest_parts(limit: float) -> int:
    """Return after how many parts the jumper can raise its first alarm at the earliest.

    The statistic is affine in each p-value, so that no others raise it faster than the same
    extreme one, 0, at every part.

    Args:
        limit: see ``shiryaev_roberts``.
    """
    statistic, stakes, parts = 0.0, EVEN, 0
    while statistic < limit:
        factors, stakes = jumper_factors([0.0], stakes)
        (statistic,), _ = shiryaev_roberts(factors, limit, statistic)
        parts += 1
    return parts
