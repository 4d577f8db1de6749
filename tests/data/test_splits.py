import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardsight.data import Sample, split_validation
from hardsight.data.splits import split_groups


def names(samples: list[Sample]) -> set[str]:
    return {s.path.name for s in samples}


def plain(count: int) -> list[Sample]:
    return [Sample(Path("/data/good") / f"{i:03}.png", anomalous=False) for i in range(count)]


@given(count=st.integers(2, 60), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_split_is_a_stable_partition(count: int, fraction: float, seed: int) -> None:
    samples = plain(count)
    kept, held = split_validation(samples, fraction, seed)
    assert sorted(kept + held, key=lambda s: s.path) == samples
    assert len(held) == min(max(round(fraction * count), 1), count - 1)
    again = split_validation(samples[::-1], fraction, seed)
    assert (names(again[0]), names(again[1])) == (names(kept), names(held))
    more = split_validation(plain(count + 1), fraction, seed)
    moved = names(held) ^ (names(more[1]) - {f"{count:03}.png"})
    assert len(moved) <= 1


def test_split_depends_on_seed_and_relative_path_only() -> None:
    here = plain(50)
    there = [Sample(Path("/else/where") / s.path.name, anomalous=False) for s in here]
    assert names(split_validation(here)[1]) == names(split_validation(there)[1])
    assert names(split_validation(here)[1]) != names(split_validation(here, seed=1)[1])

    def rank(sample: Sample) -> str:
        return hashlib.sha256(f"7:{sample.path.name}".encode()).hexdigest()

    assert names(split_validation(here, 0.1, 7)[1]) == names(sorted(here, key=rank)[:5])


def test_split_errors() -> None:
    with pytest.raises(ValueError, match=r"at least two images .*, got only .*000\.png"):
        split_validation(plain(1))
    with pytest.raises(ValueError, match=r"at least two images .*, got none"):
        split_validation([])
    with pytest.raises(ValueError, match="fraction must be between 0 and 1"):
        split_validation(plain(5), 1.0)


@given(count=st.integers(2, 12), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_groups_are_held_out_whole(count: int, fraction: float, seed: int) -> None:
    samples = [
        Sample(Path(f"/data/{patient:02}/{i}.png"), anomalous=False)
        for i in range(3)
        for patient in range(count)
    ]
    kept, held = split_groups(samples, lambda sample: sample.path.parent.name, fraction, seed)
    patients = [{sample.path.parent.name for sample in part} for part in (kept, held)]
    assert not patients[0] & patients[1]
    assert len(patients[1]) == min(max(round(fraction * count), 1), count - 1)
    assert sorted(kept + held, key=samples.index) == samples
    for part in (kept, held):
        assert part == sorted(part, key=samples.index)


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(ValueError, match=r"groups of them.*got only one"):
        split_groups(plain(5), lambda _: "one", 0.2)
