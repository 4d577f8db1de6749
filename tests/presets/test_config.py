import inspect

import pytest

from hardsight.detectors import AdvRAD
from hardsight.presets import Config, ConfigError, load_preset, preset_names
from hardsight.training import Settings


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid_and_described(name):
    config = load_preset(name)
    assert config.preset == name
    assert len(config.description) > 40


def test_the_default_preset_is_the_default_of_the_classes():
    """One truth: AdvRAD() and Settings() are what the preset says."""
    config = load_preset("advrad")
    defaults = {
        n: p.default for n, p in inspect.signature(AdvRAD).parameters.items() if n != "seed"
    }
    named = config.detector.model_dump()
    assert named | {"denoiser": None} == defaults
    from hardsight.diffusion import build_denoiser

    built = build_denoiser(named["denoiser"] | {"size": 256}).config
    assert built == build_denoiser({"name": "fast", "size": 256}).config
    assert config.training == Settings()


def test_freerad_paper_holds_the_papers_constants():
    """FreeRAD, appendix C.1 and Table 7."""
    config = load_preset("freerad-paper")
    t = config.training
    assert (t.steps, t.batch_size, t.optimizer, t.lr, t.schedule) == (
        30000,
        2,
        "adam",
        1e-4,
        "constant",
    )
    d = config.detector
    assert (d.image_size, d.shots, d.draws, d.reference, d.aggregation) == (
        256,
        1,
        1,
        "deviation",
        "max",
    )
    assert config.selection is None
    assert {c: config.k_by_category[c] for c in ("bottle", "screw", "cable", "metal_nut")} == {
        "bottle": 50,
        "screw": 100,
        "cable": 200,
        "metal_nut": 300,
    }
    assert len(config.k_by_category) == 15
    assert set(load_preset("advrad-paper").k_by_category) == set()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trainng": {}}, "did you mean 'training'"),
        ({"training": {"stepz": 3}}, "did you mean 'steps'"),
        ({"detector": {"filter_sise": 3}}, "did you mean 'filter_size'"),
        ({"selection": {"shortlst": 3}}, "did you mean 'shortlist'"),
        ({"data": {"xyz": 3}}, "known are path"),
        ({"training": {"steps": 0}}, r"training.steps=0"),
        ({"false_alarms": 2}, "false_alarms=2"),
    ],
)
def test_unknown_keys_and_bad_values_are_explained(values, message):
    with pytest.raises(ConfigError, match=message):
        Config.parse(values, "test.yaml")


def test_a_wrong_preset_suggests_the_near_one():
    with pytest.raises(ConfigError, match="did you mean 'advrad'"):
        load_preset("advrod")


def test_round_trip_and_changes(tmp_path):
    config = load_preset("advrad").updated({"training.steps": 7, "selection.ks": [50, 60]})
    assert (config.training.steps, config.selection.ks) == (7, (50, 60))
    config.write(tmp_path / "config.yaml")
    assert Config.read(tmp_path / "config.yaml") == config
    with pytest.raises(ConfigError, match="did you mean 'steps'"):
        config.updated({"training.step": 7})


def test_files_that_are_no_configuration(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        Config.read(tmp_path / "no.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="keys and values"):
        Config.read(tmp_path / "list.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    with pytest.raises(ConfigError, match="not readable YAML"):
        load_preset(str(tmp_path / "broken.yaml"))
