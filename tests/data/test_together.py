import pytest

from hardsight.data import LayoutError, categories, few, load, together
from tiny_parts import write_parts


@pytest.fixture(scope="module")
def data(parts):
    return load(parts, size=16)


def test_few_are_spread_evenly_and_nothing_else_changes(data):
    found = few(data, 5)
    there = data.train.names
    n = len(there)
    assert found.train.names == tuple(there[int((i + 0.5) * n / 5)] for i in range(5))
    assert (found.validation, found.test) == (data.validation, data.test)
    with pytest.raises(ValueError, match=f"count=99 .* the {n} of parts"):
        few(data, 99)


def test_categories_together_hold_the_images_of_all(data, parts, tmp_path):
    other = load(write_parts(tmp_path / "screws", seed=1), size=16)
    both = together([data, other])
    assert (both.name, both.categories) == ("parts+screws", (data, other))
    for role in ("train", "validation", "test"):
        whole, one, two = (getattr(d, role).samples for d in (both, data, other))
        assert whole == one + two
    own = both.by_category(lambda part: part.train)
    assert [images.tolist() for images in own] == [
        d.train.images().tolist() for d in both.categories
    ]
    assert own[1].data_ptr() == both.train.images()[len(data.train)].data_ptr()  # a view
    assert categories(tmp_path) == ["screws"]
    assert together([data]) is data
    with pytest.raises(ValueError, match="categories must be different"):
        together([data, data])
    with pytest.raises(ValueError, match=r"at one size, got \[8, 16\]"):
        together([data, load(tmp_path / "screws", size=8)])
    with pytest.raises(LayoutError, match="holds no category"):
        categories(tmp_path / "screws" / "test")
