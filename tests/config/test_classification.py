import inspect
from importlib.resources import files

import pytest

from hardsight.attacks import Linf
from hardsight.config import CONFIGS, Config, ConfigError, load_preset
from hardsight.config.classification import PURIFIERS
from hardsight.detectors.methods import METHODS
from hardsight.purifiers import Adapter, RAPSettings


@pytest.mark.parametrize("name", PURIFIERS)
def test_a_purifiers_settings_are_its_constructors(name):
    """But for what only a run knows: the denoiser, and whether the noise is there already."""
    given = {"sigma": 0.25} if name == "one-shot" else {}
    config = Config.parse({"method": name, "purifier": given}, "test.yaml")
    defaults = {
        n: p.default
        for n, p in inspect.signature(PURIFIERS[name]).parameters.items()
        if n not in ("denoiser", "noisy")
    }
    assert config.purifier.model_dump() == defaults | given
    assert config.preset == name


def test_rap_mnist_marks_what_the_paper_leaves_out():
    text = (files("hardsight.config") / "presets" / "rap-mnist.yaml").read_text(encoding="utf-8")
    marked = [line for line in text.splitlines() if "# assumed" in line]
    config = load_preset("rap-mnist")
    named = {n for n in RAPSettings.assumed() if f"\n  {n}:" in text}
    assert {n for n in named if any(f"{n}:" in line for line in marked)} == named
    assert {"step_size", "start", "clamp"} <= named
    assert {"adapter:", "training:"} <= {line.split("  #")[0] for line in marked}
    others = {"adapter", "adapter's training"}
    assert set(config.assumed) == {f"rap.{n}" for n in RAPSettings.assumed()} | others
    assert all("assumed" in said for said in config.assumed.values())
    assert config.trained_on == Linf(0.3)
    Adapter(28, 1, **config.adapter.model_dump())  # the images' size is a multiple of its grain


def test_seeds_and_steps_of_both_trainings_decide_a_run_and_frequencies_do_not():
    config = load_preset("rap-mnist")
    other = config.updated({"classifier.training.steps": 7, "classifier.training.log_every": 3})
    assert config.differences(other) == {"classifier.training.steps": (1000, 7)}


def test_round_trip(tmp_path):
    for name in ("rap-mnist", "mnist-pgd", "ddim-cifar10", "one-shot-mnist"):
        load_preset(name).write(tmp_path / "config.yaml")
        assert Config.read(tmp_path / "config.yaml") == load_preset(name)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "dimm"}, "did you mean 'ddim'"),
        ({"method": "ddim", "purifier": {"dept": 3}}, "did you mean 'depth'"),
        ({"method": "ddim", "purifier": {"clamp": "soft"}}, "purifier.clamp='soft'"),
        ({"method": "one-shot"}, "purifier"),
        ({"method": "rap", "rap": {"epsilon": 1}}, "did you mean 'eps'"),
        ({"method": "rap", "adapter": {"size": 28}}, "adapter.size is not a setting"),
        ({"method": "rap", "classifier": {"netwrk": {}}}, "did you mean 'network'"),
        ({"method": "classifier", "classifier": {"run": "x"}}, "classifier.run is not a setting"),
        ({"method": "classifier", "rap": {}}, "setting of the method rap, not of classifier"),
        ({"method": "classifier", "classifier": {"adversary": {"eps": 0}}}, "adversary.eps=0"),
        ({"method": "classifier", "data": {"name": "svhn"}}, "data.name='svhn'"),
    ],
)
def test_mistakes_get_the_way_out(values, message):
    with pytest.raises(ConfigError, match=message):
        Config.parse(values, "test.yaml")


def test_every_method_is_of_one_kind():
    assert set(METHODS) < set(CONFIGS)
    assert all(c.model_fields["method"].default == name for name, c in CONFIGS.items())
