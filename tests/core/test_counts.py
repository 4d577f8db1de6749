import pytest

from hardsight.core.counts import demand_whole


@pytest.mark.parametrize("count", [0, -3, 2.0, 1.5, None])
def test_what_is_no_count_is_refused_by_its_name(count):
    with pytest.raises(ValueError, match=f"steps must be a whole number >= 1, got {count}"):
        demand_whole(1, draws=1, steps=count)
    demand_whole(0, steps=0, draws=2)
