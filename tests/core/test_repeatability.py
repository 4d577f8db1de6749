"""How far answers to the same question differ."""

import math

import pytest
import torch

from hardsight.core.repeatability import ROUNDING, largest_change

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("first", "other", "change"),
    [
        ([2.0, -4.0], [2.0, -4.0], 0.0),
        ([2.0, -4.0], [2.0, -3.0], 0.25),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([1e-5, 0.0], [1.1e-5, 0.0], 0.1),
        ([NAN, 1.0], [NAN, 1.0], 0.0),
        ([INF, 1.0], [INF, 1.0], 0.0),
        ([NAN, 1.0], [NAN, 1.5], 0.5),
        ([NAN, 1.0], [2.0, 1.0], INF),
        ([2.0, 1.0], [NAN, 1.0], INF),
        ([1.0, 1.0], [INF, 1.0], INF),
        ([0.0, 0.0], [0.0, 1e-9], INF),
    ],
)
def test_a_change_is_a_part_of_the_largest_number_of_the_first_answer(first, other, change):
    assert largest_change(torch.tensor(first), torch.tensor(other)) == pytest.approx(change)


def test_the_largest_change_of_many_answers_counts():
    first = torch.tensor([1.0, 10.0])
    others = [first + d for d in (0.0, 0.5, -2.0, 1.0)]
    assert largest_change(first, *others) == pytest.approx(0.2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64])
def test_any_type_of_number_is_compared_exactly(dtype):
    first = torch.tensor([100, 3], dtype=dtype)
    assert largest_change(first, first.clone()) == 0
    assert largest_change(first, first + 1) == pytest.approx(0.01)


def test_rounding_in_another_order_is_no_change_and_another_image_is_one():
    x = torch.rand(10_000, generator=torch.Generator().manual_seed(0))
    assert largest_change(x.sum().view(1), x.flip(0).cumsum(0)[-1:]) < ROUNDING
    assert largest_change(x[:1], x[1:2]) > ROUNDING
