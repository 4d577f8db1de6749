import pytest
import torch
from torch import nn

from hardsight.attacks.wrapper import Wrapper, substituted


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(3.0), requires_grad=False)
        self.steps = (1, 5)

    def forward(self, x, shift=0.0):
        return self.weight * x + shift

    def predict(self, x, shift=0.0):
        return self(x, shift), shift

    def secret(self, x):
        return x


class Doubled(Wrapper):
    def around(self, function, x, *args, **kwargs):
        return function(2 * x, *args, **kwargs)


def test_calls_and_predict_go_through_and_settings_are_the_modules():
    wrapper = Doubled(Scale().eval())
    assert float(wrapper(torch.tensor(1.0), shift=1.0)) == 7
    assert float(wrapper.predict(torch.tensor(1.0))[0]) == 6
    assert wrapper.steps == (1, 5)
    assert wrapper.weight is wrapper.module.weight
    assert not wrapper.training


def test_a_way_round_the_wrapper_is_refused():
    with pytest.raises(AttributeError, match=r"not secret\(\)"):
        Doubled(Scale()).secret(1)
    with pytest.raises(AttributeError, match="nothing"):
        _ = Doubled(Scale()).nothing


def test_substituted_puts_the_module_back_even_after_an_error():
    model = nn.Sequential(nn.Sequential(Scale()), nn.Identity())
    original, x = model[0][0], torch.tensor(1.0)

    def attack() -> None:
        with substituted(model, "0.0", Doubled) as inside:
            assert isinstance(inside, Doubled)
            assert float(model(x)) == 6
            raise KeyError

    with pytest.raises(KeyError):
        attack()
    assert model[0][0] is original
    assert float(model(x)) == 3


@pytest.mark.parametrize("name", ["", "denoiser", "0.7"])
def test_an_unknown_submodule_is_named(name):
    model = nn.Sequential(Scale())
    with pytest.raises(ValueError, match="it has: 0"), substituted(model, name, Doubled):
        pass
