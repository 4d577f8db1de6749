import pytest
import torch
from torch import nn

from hardsight.core.global_generators import kept_generators, seed_generators
from hardsight.detectors import Wrapped

CPU = torch.device("cpu")


@pytest.fixture
def other_devices(monkeypatch):
    """Ends the test where all GPUs of the machine are seeded, as ``torch.manual_seed`` does."""

    def refuse(seed):
        raise AssertionError(f"all GPUs are seeded with {seed}")

    monkeypatch.setattr("torch.cuda.manual_seed_all", refuse)


def test_a_seed_decides_what_is_drawn_and_nothing_of_it_is_left(other_devices):
    before = torch.get_rng_state()
    drawn = []
    for seed in (3, 3, 4):
        with kept_generators(CPU):
            seed_generators(seed, CPU)
            drawn.append(torch.rand(5))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[0], torch.rand(5, generator=torch.Generator().manual_seed(3)))


def failing():
    with kept_generators():
        torch.rand(5)
        raise ValueError("within")


def test_generators_come_back_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="within"):
        failing()
    assert torch.equal(torch.get_rng_state(), before)


class Dropping(nn.Module):
    def forward(self, images):
        return nn.functional.dropout(images, 0.5).mean((1, 2, 3))


def test_a_seeded_model_seeds_no_device_but_its_own(other_devices):
    model = Wrapped(Dropping(), 8, seeded=True)
    images = torch.rand(2, 3, 8, 8)
    noise = model.sample_noise(images, torch.Generator().manual_seed(0))
    assert torch.equal(model(images, noise).pred_score, model(images, noise).pred_score)
