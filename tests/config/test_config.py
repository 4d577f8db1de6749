import inspect

import pytest
import yaml

from hardsight.config import Config, ConfigError, anchored, load_preset, preset_names
from hardsight.detectors import AdvRAD, MapHeadTraining, PatchGuard, Scoring, Tiling
from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.patchguard import Adversary, CheckpointChoice, Recipe
from hardsight.detectors.patchguard.detector import DEFAULT
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
    named = config.detector_settings
    assert named | {"denoiser": None} == defaults
    from hardsight.diffusion import build_denoiser

    built = build_denoiser(named["denoiser"] | {"size": 256}).config
    assert built == build_denoiser({"name": "fast", "size": 256}).config
    assert config.training == Settings()


def test_the_training_of_a_head_is_bastions_alone():
    config = load_preset("hardsight")
    assert config.map_head_training == MapHeadTraining()
    assert config.fit.map_head_training == MapHeadTraining()
    said = "map_head_training is a setting of the method bastion, not"
    with pytest.raises(ConfigError, match=said):
        Config.parse({"map_head_training": {"steps": 3}}, "mine.yaml")


def test_keys_of_earlier_versions_are_translated_where_a_file_is_read(tmp_path):
    now = load_preset("hardsight")
    values = now.model_dump(mode="json")
    for new, old in (("adversarial_training", "game"), ("map_head_training", "head_training")):
        values[old] = values.pop(new)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert Config.read(tmp_path / "config.yaml") == now


@pytest.mark.parametrize("eps", [0.01, 0.0])
def test_the_attack_of_pls_was_two_settings_once(tmp_path, eps):
    values = load_preset("pls").model_dump(mode="json")
    del values["adversary"]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values | {"eps": eps, "attack_steps": 3}))
    adversary = Config.read(tmp_path / "config.yaml").adversary
    assert adversary == (PGDAdversary(eps=eps, steps=3) if eps else None)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values | {"attack_steps": 3}))
    assert Config.read(tmp_path / "config.yaml").adversary is None


def test_flat_settings_of_a_detector_are_put_in_their_groups(tmp_path):
    """As files of earlier versions have them, and as the command line may name them."""
    now = load_preset("hardsight").updated({"detector.tile": 64, "detector.k": 50})
    assert (now.detector.tiling, now.detector.scoring.k) == (Tiling(64), 50)
    values = now.model_dump(mode="json")
    groups = [values["detector"].pop(name) for name in ("scoring", "tiling")]
    for group in groups:
        values["detector"] |= group
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert Config.read(tmp_path / "config.yaml") == now


def test_folders_are_recorded_so_that_they_mean_the_same_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_preset("advrad").updated({"data.path": "photos", "data.normal_dir": "good"})
    found = anchored(config.updated({"start": "runs/all"}))
    assert (found.data.path, found.start) == (str(tmp_path / "photos"), str(tmp_path / "runs/all"))
    assert found.data.normal_dir == "good"  # below data.path
    alone = anchored(load_preset("advrad").updated({"data.normal_dir": "good"}))
    assert alone.data.normal_dir == str(tmp_path / "good")
    behind = anchored(load_preset("rap-mnist").updated({"classifier.run": "runs/cnn"}))
    assert behind.classifier.run == str(tmp_path / "runs/cnn")
    assert anchored(found) == found


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
    scoring = Scoring(draws=1, filter_size=21, reference="deviation", aggregation="max")
    assert (d.image_size, d.scoring) == (256, scoring)
    assert config.selection is None
    assert {c: config.k_by_category[c] for c in ("bottle", "screw", "cable", "metal_nut")} == {
        "bottle": 50,
        "screw": 100,
        "cable": 200,
        "metal_nut": 300,
    }
    assert len(config.k_by_category) == 15
    assert set(load_preset("advrad-paper").k_by_category) == set()


def test_the_patchguard_preset_is_the_default_of_its_classes():
    config = load_preset("patchguard")
    defaults = {
        n: p.default for n, p in inspect.signature(PatchGuard).parameters.items() if n != "seed"
    }
    assert config.detector.model_dump(exclude={"pose"}) | {"backbone": None} == defaults
    assert config.detector.backbone == DEFAULT
    lighter = {"steps": config.recipe.adversary.steps, "mode": "eval"}  # for CPUs
    assert config.recipe == Recipe(adversary=lighter, warm_up=config.recipe.warm_up)
    assert config.selection == CheckpointChoice()


def test_patchguard_paper_holds_the_papers_constants():
    """PatchGuard, supplement G and its code (FACTS 1.3 and 1.5)."""
    config = load_preset("patchguard-paper")
    t = config.training
    assert (t.batch_size, t.optimizer, t.lr, t.weight_decay) == (16, "adamw", 8e-4, 1e-5)
    assert (t.schedule, t.floor, t.warmup, t.ema_decay) == ("cosine", 0.0125, 0.0, 0.0)
    assert config.detector.backbone["architecture"] == "vit_small_patch14_dinov2.lvd142m"
    assert config.detector.backbone["layer_scale"] is None
    assert (config.detector.image_size, config.detector.k) == (224, 5)
    assert (config.detector.sigma, config.detector.radius) == (6.0, 7)
    assert config.recipe.adversary == Adversary(kind="pgd", eps=8 / 255, steps=10, mode="train")
    assert config.recipe.regulariser.layers == (-1,)
    assert (config.recipe.foreground, config.recipe.warm_up) == ("grad-cam", 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trainng": {}}, "did you mean 'training'"),
        ({"game": {}}, "game is called adversarial_training now"),
        ({"training": {"stepz": 3}}, "did you mean 'steps'"),
        ({"detector": {"filter_sise": 3}}, "did you mean 'filter_size'"),
        ({"detector": {"scoring": {"kay": 3, "margen": 0}}}, "did you mean 'margin'"),
        ({"detector": {"k": 0}}, r"detector\.scoring: need 1 <= shots <= k, got shots=1, k=0"),
        ({"detector": {"draws": "two"}}, r"detector\.scoring\.draws='two'"),
        ({"selection": {"shortlst": 3}}, "did you mean 'shortlist'"),
        ({"data": {"xyz": 3}}, "known are path"),
        ({"training": {"steps": 0}}, r"training.steps=0"),
        ({"false_alarms": 2}, "false_alarms=2"),
        (
            {"data": {"aspect": "keeep"}},
            r"data\.aspect='keeep' is not known; choose from stretch, keep; did you mean 'keep'",
        ),
        (
            {"data": {"path": "all", "abnormal_dir": "bad", "mask_dir": "truth"}},
            "data: without normal_dir nothing looks at abnormal_dir and mask_dir; name that folder",
        ),
        (
            {"data": {"path": "all", "normal_dir": "ok", "category": "screw"}},
            "data: beside normal_dir nothing looks at category; leave out either",
        ),
        ({"detector": {"reference": "standardized"}}, "did you mean 'standardised'"),
        ({"data": {"on_error": 3}}, r"data\.on_error=3 is not known; choose from stop, skip$"),
        ({"method": "patchgard"}, "did you mean 'patchguard'"),
        ({"method": ["patchguard"]}, "is not known"),
        ({"recipe": {}}, "recipe is a setting of the method patchguard, not of advrad"),
        (
            {"method": "patchguard", "k_by_category": {"screw": 3}},
            "k_by_category is a setting of the methods advrad and bastion, not of patchguard",
        ),
        ({"method": "patchguard", "detector": {"draws": 2}}, "known are backbone"),
        ({"method": "patchguard", "selection": {"ks": [3]}}, "known are robust_weight"),
        ({"method": "patchguard", "recipe": {"advesary": {}}}, "did you mean 'adversary'"),
        (
            {"method": "patchguard", "recipe": {"adversary": {"stepps": 3}}},
            "did you mean 'steps'",
        ),
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
    with pytest.raises(ConfigError, match=r"preset\.x is none, for preset='advrad'"):
        config.updated({"preset.x": 7})


def test_a_method_of_its_own_round_trips(tmp_path):
    config = load_preset("patchguard").updated(
        {"recipe.regulariser.layers": [2, "discriminator"], "recipe.regulariser.weights": [1, 2]}
    )
    config.write(tmp_path / "config.yaml")
    read = Config.read(tmp_path / "config.yaml")
    assert read == config
    assert read.recipe.regulariser.layers == (2, "discriminator")
    assert config.differences(load_preset("patchguard")) == {
        "recipe.regulariser.layers": ([2, "discriminator"], [-1]),
        "recipe.regulariser.weights": ([1.0, 2.0], [1.0]),
    }
    assert read.fit.recipe == config.recipe


def test_files_that_are_no_configuration(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        Config.read(tmp_path / "no.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match="keys and values"):
        Config.read(tmp_path / "list.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    with pytest.raises(ConfigError, match="not readable YAML"):
        load_preset(str(tmp_path / "broken.yaml"))
