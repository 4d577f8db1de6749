from pathlib import Path

import pytest

from hardsight.benchmark import Places, Plan, plan_names
from hardsight.config import ConfigError, DetectorConfig
from hardsight.data import published_sets
from hardsight.evaluation.published import tables

SMALL = {
    "title": "small",
    "methods": [
        "patchcore",
        {"preset": "padim", "name": "Gaussian", "settings": {"detector.ridge": 0.1}},
    ],
    "data": [{"name": "mvtec_ad", "folder": "mvtec256", "categories": ["bottle", "screw"]}],
    "threats": [{"norm": "L2", "eps": 0.2}, {"sigma": 0.125}],
    "seeds": [0, 1],
}


def test_jobs_are_methods_times_categories_times_seeds():
    plan = Plan.model_validate(SMALL)
    names = [job.name for job in plan.jobs()]
    assert len(names) == len(set(names)) == 2 * 2 * 2
    assert names[0] == "patchcore, mvtec_ad, bottle, seed 0"
    assert "Gaussian, mvtec_ad, screw, seed 1" in names
    assert [threat.name for threat in plan.threats] == ["L2 0.2", "certified, sigma 0.125"]


def test_a_job_has_a_folder_and_a_configuration_of_its_own(tmp_path):
    places = Places(tmp_path / "out", tmp_path)
    (tmp_path / "mvtec256/bottle").mkdir(parents=True)
    *_, job = [job for job in Plan.model_validate(SMALL).jobs() if job.category == "bottle"]
    assert job.folder(places) == tmp_path / "out/Gaussian/mvtec_ad/bottle/seed-1"
    config = job.config(places)
    assert isinstance(config, DetectorConfig)
    assert config.data.path == str(tmp_path / "mvtec256/bottle")
    assert (config.data.category, config.training.seed, config.detector.ridge) == (None, 1, 0.1)


def test_missing_images_say_where_they_are_to_be_had(tmp_path):
    job = next(Plan.model_validate(SMALL).jobs())
    assert "mvtec.com" in job.missing(Places(tmp_path, tmp_path / "none"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"methods": []}, "methods must be at least one"),
        ({"methods": ["spade", "spade"]}, "each once; got spade"),
        ({"threats": [{"norm": "L2"}, {"norm": "L2"}]}, "each once; got L2 2/255"),
        ({"how": {"audit": "deep"}}, "'deep' is not known; choose from quick"),
        ({"metods": []}, "metods"),
    ],
)
def test_a_wrong_plan_says_what_is_wrong(tmp_path, change, said):
    path = tmp_path / "plan.yaml"
    path.write_text(str(SMALL | change), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        Plan.read(path)


def test_an_unknown_plan_names_those_that_are_there():
    with pytest.raises(ConfigError, match="smoke"):
        Plan.read("no such plan")


@pytest.mark.parametrize("name", plan_names())
def test_plans_that_come_along_are_whole(name, tmp_path):
    plan, sets = Plan.read(name), published_sets()
    printed = {table.place for table in tables()}
    assert set(plan.tables) <= printed
    for data in plan.data:
        if data.name == "textures":
            continue
        known = sets[data.name].categories
        assert set(data.categories) <= known.keys(), data.name
    for job in plan.jobs():
        job.config(Places(tmp_path, Path("nowhere")))
