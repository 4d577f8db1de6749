"""Whole numbers from products of floats."""

import math
from fractions import Fraction

import pytest

from hardsight.core.rounding import ceil, floor


@pytest.mark.parametrize("n", [7, 100, 181, 999])
def test_a_percentage_of_a_count_is_rounded_as_exact_fractions_are(n):
    for percent in range(1, 100):
        exact = Fraction(percent, 100) * n
        assert floor(percent / 100 * n) == math.floor(exact)
        assert ceil(percent / 100 * n) == math.ceil(exact)


def test_what_is_no_rounding_error_counts():
    assert floor(28.9999) == 28
    assert ceil(7.0001) == 8
