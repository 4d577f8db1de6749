import pytest

from hardsight.evaluation import Execution, Protocol, Record


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
        ({"fresh_draws": 0}, "fresh_draws must be a whole number of at least 1, got 0"),
        ({"gallery": -1}, "gallery must be a whole number of at least 0, got -1"),
        ({"batch_size": 1.5}, "batch_size must be a whole number"),
        ({"seed": None}, "seed must be a whole number, got None"),
        ({"curve": 0.1}, r"curve must be a list of numbers, as \[2 / 255, 4 / 255\], got 0.1"),
        ({"curve": ["2/255"]}, r"curve must be a list of numbers"),
        ({"corruptions": 3}, r"corruptions must be a list of numbers, as \[1, 3, 5\], got 3"),
    ],
)
def test_a_protocol_that_measures_nothing_is_refused_by_its_argument(asked, said):
    with pytest.raises(ValueError, match=said):
        Protocol(**asked)


def test_minutes_are_a_number_and_reasons_a_list():
    with pytest.raises(ValueError, match="max_minutes must be a number or None, got '5'"):
        Execution(max_minutes="5")
    with pytest.raises(TypeError, match=r"stamp must be a list .* got 'gradient'; give \[reason\]"):
        Record(stamp="gradient")
    assert Record(stamp=["gradient"]).flags == ("gradient",)
