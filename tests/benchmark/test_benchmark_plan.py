import pytest

from hardsight.attacks import parse_radius
from hardsight.benchmark import Places, Plan, plan_names
from hardsight.benchmark.job import EMBEDDED
from hardsight.benchmark.plan import CLEAN
from hardsight.config import ConfigError, DetectorConfig, load_preset
from hardsight.core.starts import BUNDLED
from hardsight.detectors.advrad.start import Start, take_over
from hardsight.detectors.methods import METHODS
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
        ({"threats": [{"eps": "2/255"}, {"eps": "2 / 255"}]}, "files would have one name"),
        (
            {"methods": [{"preset": "padim", "name": n} for n in ("a b", "A_b")]},
            "got A_b, a b, whose files would have one name",
        ),
        ({"methods": [{"preset": "padim", "name": "?!"}]}, r"name='\?!' has no letter or digit"),
        ({"methods": [{"preset": "padim", "name": ".."}]}, r"name='\.\.' has no letter or digit"),
        ({"methods": [{"preset": "padim", "name": "x" * 180}]}, "takes 2\\d\\d bytes; at most 200"),
        ({"data": []}, "data and seeds must be at least one"),
        ({"seeds": []}, "data and seeds must be at least one"),
        ({"seeds": [1, 1]}, "data and seeds must be .* each once; got Gaussian, mvtec_ad, bottle"),
        ({"how": {"audit": "deep"}}, "'deep' is not known; choose from quick"),
        ({"threats": [{"severities": [1, 7]}]}, "severities.1: .* less than or equal to 5"),
        ({"threats": [{"sigma": 0}]}, "sigma: .* greater than 0"),
        ({"threats": [{"sigma": 0.1, "radii": [-1]}]}, "radii.0: .* greater than or equal to 0"),
        ({"threats": [{"sigma": 0.1, "severities": [1]}]}, "these are two threats"),
        (
            {"data": [{"name": "digits", "make": {"size": 64}}]},
            "of the embedded textures, .* leave",
        ),
        ({"data": [{"name": "textures", "make": {"sizes": 64}}]}, "no sizes; it has defects_per_k"),
        ({"metods": []}, "metods"),
    ],
)
def test_a_wrong_plan_says_what_is_wrong(tmp_path, change, said):
    path = tmp_path / "plan.yaml"
    path.write_text(str(SMALL | change), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        Plan.read(path)


def test_an_unknown_plan_names_those_that_are_there():
    with pytest.raises(ConfigError, match="plan='fredrad-cpu' is neither a file nor") as found:
        Plan.read("fredrad-cpu")
    lines = str(found.value).splitlines()
    assert "  freerad: smoke, cpu, paper" in lines
    assert "  smoke" in lines
    assert lines[-1] == "did you mean 'freerad-cpu'?"


TABLES = {table.place: table for table in tables()}
BESIDES = {"bpda", "grey-box", "certified"}
"""Attacks of tables that no plan makes: diagnostics, and what threats with sigma are."""

NAMED = {"freerad-paper": "FreeRAD", "advrad-paper": "AdvRAD", "mnist-pgd": "madry-mnist"}
"""Presets that the papers call otherwise than their methods do."""


def names(plan):
    """The papers of a plan's methods, or what the tables call its classifiers."""
    for method in plan.methods:
        config = load_preset(method.preset)
        if config.method in METHODS:
            yield METHODS[config.method].detector.paper
        yield NAMED.get(method.preset)
        yield from (method.preset, config.method, f"{config.method}-mnist")


@pytest.mark.parametrize("name", plan_names())
def test_a_plan_that_comes_along_has_what_its_tables_have(name, tmp_path):
    plan, size = Plan.read(name), name.partition("-")[2]
    assert set(plan.tables) <= TABLES.keys()
    for job in plan.jobs():
        job.config(Places(tmp_path, tmp_path))
    if size != "paper":
        return
    balls = {
        (t.norm, parse_radius(t.eps), suite.removeprefix("map-"))
        for t in plan.threats
        for suite in t.suites
    }
    categories = {(d.name, c) for d in plan.data for c in d.categories or (None,)}
    for table in plan.tables:
        figures = list(TABLES[table].figures())
        for figure in figures:
            facts = figure.facts
            data, category = facts["data"], facts.get("category")
            assert (data, category) in categories or category is None, figure
            assert data in {d.name for d in plan.data}, figure
            if facts.get("norm") and facts["attack"] not in BESIDES:
                assert (facts["norm"], facts["eps"], facts["attack"]) in balls, figure
        of_table = {f.facts["method"] for f in figures}
        assert not figures or of_table & set(names(plan)), table


@pytest.mark.parametrize("name", plan_names())
def test_the_variants_of_a_plan_are_those_of_its_tables(name):
    plan = Plan.read(name)
    printed = [figure.variant for table in plan.tables for figure in TABLES[table].figures()]
    for method in plan.methods:
        assert not method.variant or method.variant in printed, method.name


def test_a_plan_without_threats_leaves_images_alone_once():
    plan = Plan.model_validate(SMALL | {"threats": []})
    assert [(t.name, t.attacked, t.clean) for t in plan.threats] == [("clean", False, True)]
    assert [t.clean for t in Plan.model_validate(SMALL).threats] == [False, False]


def test_a_detector_takes_the_denoiser_of_another_method_and_trains_none(tmp_path):
    lent = {"preset": "advrad", "name": "k steps", "parts": {"denoiser": "1 step"}}
    lent["settings"] = {"training.steps": 500, "detector.scoring.shots": "k"}
    plan = Plan.model_validate(SMALL | {"methods": [{"preset": "advrad", "name": "1 step"}, lent]})
    places = Places(tmp_path / "out", tmp_path)
    for job in plan.jobs():
        config = job.config(places)
        assert isinstance(config, DetectorConfig)
        if job.method.parts:
            lender = f"1_step/mvtec_ad/{job.category}/seed-{job.seed}/run"
            assert (config.start, config.training.steps) == (str(tmp_path / "out" / lender), 0)
        else:
            assert config.training.steps == 2000


@pytest.mark.parametrize("name", [n for n in plan_names() if n.endswith("smoke")])
def test_smoke_plans_are_small_and_on_embedded_images(name):
    plan = Plan.read(name)
    assert {data.name for data in plan.data} <= set(EMBEDDED)
    assert plan.threats == (CLEAN,) or plan.how.images <= 8
    assert len(list(plan.jobs())) <= 2


@pytest.mark.parametrize("name", [n for n in plan_names() if n.endswith("smoke")])
def test_a_bundled_start_has_the_denoiser_of_the_plans_methods(name, tmp_path):
    jobs = [job for job in Plan.read(name).jobs() if not job.method.parts]
    for job in {job.method.label: job for job in jobs}.values():
        config = job.config(Places(tmp_path, tmp_path))
        if isinstance(config, DetectorConfig) and config.fit.started_from in BUNDLED:
            detector = METHODS[config.method].detector(**config.arguments)
            take_over(detector, Start.read(config.fit.started_from))


def test_every_paper_has_a_plan():
    planned = {table.partition(",")[0] for n in plan_names() for table in Plan.read(n).tables}
    assert planned == {table.paper for table in tables()}


def test_each_paper_has_a_smoke_plan():
    papers = {t for n in plan_names() if n.endswith("-smoke") for t in Plan.read(n).tables}
    assert {table.paper for table in tables()} == {TABLES[t].paper for t in papers}


def test_a_detector_takes_no_part_of_a_classifier(tmp_path):
    lent = {"preset": "advrad", "name": "lent", "parts": {"adapter": "advrad"}}
    plan = Plan.model_validate(SMALL | {"methods": ["advrad", lent]})
    with pytest.raises(ConfigError, match=r"lent: parts=adapter .* takes its denoiser alone"):
        list(plan.jobs())[-1].config(Places(tmp_path, tmp_path))
