"""How long a plan takes, before it begins."""

import pytest
import torch

from hardsight.audit import BUDGETS
from hardsight.benchmark import Places, Plan, estimate
from hardsight.benchmark.job import RUN, slug
from hardsight.benchmark.planned import PlannedDetector
from hardsight.config import load_preset
from hardsight.core.speed import slowness
from hardsight.detectors.methods import METHODS

CPU = torch.device("cpu")
TINY = {
    "detector.denoiser": {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2},
    "detector.precision": "fp32",
    "start": "none",
}


@pytest.fixture
def seconds(tmp_path):
    """method, settings, parts of a plan -> the seconds of its only job."""
    (tmp_path / "bottle").mkdir()

    def made(preset="patchcore", settings=None, **parts):
        plan = {
            "title": "one",
            "methods": [{"preset": preset, "settings": settings or {}}],
            "data": [{"name": "mvtec_ad", "categories": ["bottle"]}],
            "threats": [{"suites": ["pgd"]}],
        }
        places = Places(tmp_path / "out", tmp_path)
        (one,) = estimate(Plan.model_validate(plan | parts), places, CPU)
        return one.seconds

    return made


def test_an_audit_is_counted_by_its_budget(seconds):
    none, quick, default = (seconds(how={"audit": a}) for a in (None, "quick", "default"))
    image = METHODS["patchcore"].seconds.image * slowness(CPU)
    budget = BUDGETS["quick"]
    # 16 images, each attacked in ten ways at least, by the base steps each time
    assert quick - none > 16 * 10 * budget.base * image
    assert default - none > 1.5 * (quick - none)
    fewer = [seconds(how={"audit": a, "images": 4}) for a in (None, "quick")]
    assert fewer[1] - fewer[0] == pytest.approx(quick - none)  # it takes images of its own
    never = [seconds(how={"audit": a}, threats=[{"sigma": 0.1}]) for a in (None, "quick")]
    assert never[0] == never[1]


def test_a_certificate_is_counted_by_its_copies_of_test_images_and_of_those_held_out(seconds):
    image = METHODS["patchcore"].seconds.image * slowness(CPU)
    few, many = (seconds(threats=[{"sigma": 0.1, "copies": n}]) for n in (50, 100))
    held_out = 0.2 * 209
    assert many - few == pytest.approx(50 * (83 + held_out) * image)


@pytest.mark.parametrize("preset", ["patchcore", "mnist-pgd"])
@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"threats": [{"suites": ["pgdd"]}]}, "'pgdd' is not for a"),
        ({"how": {"budget": "fats"}}, "budget='fats' is not known"),
        ({"how": {"effort": {"setps": 1}}}, "a budget has no setps"),
    ],
)
def test_what_cannot_be_attacked_is_refused_before_anything_is_fitted(seconds, preset, parts, said):
    with pytest.raises(ValueError, match=said):
        seconds(preset, data=[{"name": "digits"}], **parts)


def test_a_classifier_is_not_certified_by_a_plan(seconds):
    with pytest.raises(ValueError, match=r"sigma=0.1 certifies detectors, and mnist-pgd trains"):
        seconds("mnist-pgd", data=[{"name": "digits"}], threats=[{"sigma": 0.1}])


def test_a_run_that_is_fitted_is_not_fitted_again(seconds, tmp_path):
    whole, known = seconds(), METHODS["patchcore"].seconds
    run = tmp_path.joinpath("out", *map(slug, ("patchcore", "mvtec_ad", "bottle", "seed-0")), RUN)
    run.mkdir(parents=True)
    assert seconds() == whole
    (run / "metrics.json").touch()
    assert whole - seconds() == pytest.approx(known.fit * slowness(CPU))


def test_fewer_training_steps_take_less(seconds):
    whole, half, none = (seconds("advrad", {"training.steps": n}) for n in (2000, 1000, 1))
    assert whole - half == pytest.approx(half - none, rel=0.01)


def test_a_training_whose_steps_are_not_known_takes_as_long_as_the_one_that_was_timed(seconds):
    fresh = {"start": "none", "training.steps": 2000}
    whole = seconds("advrad", fresh)
    assert seconds("advrad", fresh | {"selection.patches": [2, 4]}) == whole


def test_tiles_take_as_many_passes_as_there_are_tiles(seconds):
    whole, tiled, overlapping = (
        seconds("advrad", {"detector.image_size": 512, **settings}, threats=[])
        for settings in (
            {},
            {"detector.tile": 256, "detector.overlap": 0.0},
            {"detector.tile": 256, "detector.overlap": 0.5},
        )
    )
    small = seconds("advrad", {"detector.image_size": 256}, threats=[])
    assert tiled < whole  # it is trained on tiles
    score = (tiled - small) / 3  # of all images in one tile
    assert overlapping - small == pytest.approx(8 * score)


@pytest.mark.parametrize(
    "settings",
    [
        {"detector.image_size": 32},
        {"detector.image_size": 48, "detector.tile": 32, "detector.overlap": 0.25},
        {"detector.image_size": 64, "detector.tile": 32, "detector.two_scales": True},
        {"detector.image_size": 32, "detector.shots": 3, "detector.draws": 4},
        {"detector.image_size": 32, "detector.fixed_noise": True},
    ],
)
def test_what_is_planned_is_what_the_detector_does(settings):
    config = load_preset("advrad").updated(TINY | settings)
    planned = PlannedDetector.of(config)
    detector, seen = METHODS["advrad"].detector(**config.arguments).eval(), []
    first = next(m for m in detector.denoiser.modules() if isinstance(m, torch.nn.Conv2d))
    first.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    with torch.no_grad():
        detector(torch.rand(1, 3, detector.image_size, detector.image_size))
    assert sum(seen) == planned.passes
    assert (planned.own_draws, planned.random) == (detector.draws, detector.random)
    assert planned.bypass == detector.bypass
