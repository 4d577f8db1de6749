import pytest
import torch
from torch import nn

from hardsight.classifiers import MNISTCNN
from hardsight.core.capabilities import named
from hardsight.evaluation.provenance import fingerprint
from hardsight.purifiers import Noising, Purified


class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(3.0))


class Other(Bare):
    """The same weights, which say something else."""


class Model(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.settings = settings
        self.weight = nn.Parameter(torch.arange(3.0))


def test_the_order_of_settings_and_a_list_for_a_tuple_change_nothing():
    one = Model({"denoiser": {"name": "fast", "channels": 8}, "sizes": (1, 2)})
    other = Model({"sizes": [1, 2], "denoiser": {"channels": 8, "name": "fast"}})
    assert fingerprint(one) == fingerprint(other)


def test_a_model_is_told_by_its_settings_one_by_one():
    model = Model({"denoiser": {"name": "fast", "channels": 8}, "head": None})
    assert named(model) == "Model: denoiser.name=fast, denoiser.channels=8, head=null"
    assert named(Bare()) == "Bare"


def test_weights_and_settings_are_told_apart():
    one, other, third = Model({"k": 1}), Model({"k": 2}), Model({"k": 1})
    with torch.no_grad():
        third.weight[2] += 1e-6
    assert len({fingerprint(m) for m in (one, other, third)}) == 3


def test_classes_and_functions_without_settings_are_told_apart():
    def one(x):
        return x

    def other(x):
        return -x

    models = (Bare(), Other(), one, other)
    assert len({fingerprint(model) for model in models}) == len(models)
    assert fingerprint(Bare()) == fingerprint(Bare())


def test_classifiers_of_another_normalisation_are_told_apart_behind_a_purifier_too():
    one, same, other = (MNISTCNN(mean=(mean,), std=(0.5,)) for mean in (0.1, 0.1, 0.2))
    for each in (same, other):
        each.load_state_dict(one.state_dict())
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)
    before = Purified(Noising(0.1), one)
    assert fingerprint(before) != fingerprint(Purified(Noising(0.1), other))


def test_what_has_settings_keeps_the_fingerprint_that_runs_and_states_were_written_with():
    assert fingerprint(Model({"k": 1})) == "3f4c6a7ff4eee387"


@pytest.mark.filterwarnings("ignore")  # torch moves quantisation elsewhere
def test_packed_weights_of_a_quantised_model_are_told_apart():
    def packed(scale):
        linear = nn.Linear(4, 2)
        nn.init.constant_(linear.weight, scale)
        nn.init.zeros_(linear.bias)
        kinds = {nn.Linear}
        model = nn.Sequential(linear)
        return torch.ao.quantization.quantize_dynamic(model, kinds, dtype=torch.qint8)

    assert fingerprint(packed(1.0)) == fingerprint(packed(1.0)) != fingerprint(packed(2.0))
