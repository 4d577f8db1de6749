"""T* is chosen by what held-out images keep, clean and attacked."""

import pytest
import torch
from torch import nn

from hardsight.attacks.class_suites import class_suite
from hardsight.data import LabelledImages
from hardsight.evaluation import Protocol, choose_depth
from hardsight.purifiers import Purified, Purifier

PIXELS = torch.linspace(60, 195, 40).round().byte().view(-1, 1, 1, 1).expand(40, 1, 4, 4)
DATA = LabelledImages("greys", PIXELS.contiguous(), (PIXELS[:, 0, 0, 0] > 127).long(), ("a", "b"))
QUICK = {"protocol": Protocol(fresh_draws=2, batch_size=40)}


class Mean(nn.Module):
    """Two classes by the mean of the pixels."""

    def forward(self, x):
        s = 40 * (x.mean((1, 2, 3)) - 0.5)
        return torch.stack([-s, s], 1)


class Towards(Purifier):
    """Moves an image away from grey, or at a depth above 10 beyond recognition."""

    def __init__(self, depth):
        super().__init__()
        self.depth = depth

    def forward(self, images, noise=None):
        if self.depth > 10:
            return 1 - images
        return 0.5 + (images - 0.5) * (images - 0.5).abs().mean((1, 2, 3), keepdim=True) ** 0.1


def behind(purifier):
    return lambda depth: Purified(purifier(depth), Mean())


def test_the_deepest_that_keeps_enough_is_taken_without_an_attack():
    found = choose_depth(Mean(), behind(Towards), (5, 2, 20), DATA, **QUICK)
    assert found.depth == 5
    assert set(found.clean) == {2, 5, 20}
    assert found.clean[20].value == 0 < found.clean[5].value == found.alone.value == 1
    assert found.attacked == {}
    assert "T* = 5, chosen on 40 held-out images: 100.0 of 100.0 % clean" in found.statement


class Damped(Purifier):
    """Adds noise, the more the deeper."""

    def __init__(self, depth):
        super().__init__()
        self.size = 0.02 * depth

    def sample_noise(self, images, generator=None):
        return torch.randn(len(images), 1, 1, 1, generator=generator)

    def forward(self, images, noise=None):
        return images + self.size * noise


def test_of_those_that_keep_enough_the_one_that_holds_most_is_taken():
    suite = class_suite("pgd", "Linf", 0.2, steps=2, objectives=("ce",))
    found = choose_depth(Mean(), behind(Damped), (1, 4, 40), DATA, suite, share=0.8, **QUICK)
    assert set(found.attacked) == {d for d in found.clean if found.clean[d].value >= 0.8}
    best = max(found.attacked, key=lambda d: (found.attacked[d].value, d))
    assert found.depth == best
    assert "leaves most under attack" in found.statement


def test_where_none_keeps_enough_it_says_what_is_left():
    with pytest.raises(ValueError, match=r"keeps share=0.9 of the 100.0 %.*T\* = 20 keeps most"):
        choose_depth(Mean(), behind(Towards), (20,), DATA, **QUICK)
    with pytest.raises(ValueError, match="at least one"):
        choose_depth(Mean(), behind(Towards), (), DATA, **QUICK)
