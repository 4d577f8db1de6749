import itertools

import torch

from hardsight.core.noise import Noise

CPU = torch.device("cpu")


def first(noise, *purpose):
    return torch.rand(4, generator=noise.generator(*purpose)).tolist()


def test_a_purpose_has_the_same_numbers_whatever_else_was_drawn():
    noise = Noise(3, CPU)
    alone = first(noise, "fresh", 8)
    first(noise, "attack", 8)
    assert first(noise, "fresh", 8) == alone == first(Noise(3, CPU), "fresh", 8)


def test_seeds_purposes_and_batches_share_nothing():
    drawn = [
        first(Noise(seed, CPU), purpose, start)
        for seed in (0, 1)
        for purpose in ("fresh", "attack")
        for start in (0, 8)
    ]
    assert all(a != b for a, b in itertools.combinations(drawn, 2))
