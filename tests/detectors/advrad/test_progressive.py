"""Progressive resizing: the first steps of a fit see images of half the size."""

import json

import pytest
import torch
from tiny_detector import untrained_advrad

from hardsight.augment import AugmentationPolicy
from hardsight.data import load
from hardsight.detectors.advrad.adversarial import AdversarialTraining
from hardsight.detectors.advrad.context import TrainingContext
from hardsight.detectors.advrad.recipe import AdvRADFit
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.fitted import OpenWork, Work
from hardsight.training import Settings

SETTINGS = Settings(steps=8, batch_size=2, precision="32-true", sample_every=None)
PAPER = {"name": "paper", "channels": 32, "multipliers": [1, 1], "blocks": 1, "attention_size": 8}
ATTACKED = AdversarialTraining(k_low=50, k_high=100, filter_size=3, top=0.05, steps=4)


@pytest.fixture
def context(tmp_path):
    """Two categories of three images each, of 16 x 16 pixels."""
    generator = torch.Generator().manual_seed(0)
    categories = tuple(
        torch.randint(0, 256, (3, 3, 16, 16), generator=generator, dtype=torch.uint8)
        for _ in range(2)
    )
    policies = (AugmentationPolicy(3, shift=5), AugmentationPolicy(3, ("half turn",)))
    work = OpenWork(tmp_path, False, lambda *told: None)
    return TrainingContext(categories, torch.cat(categories), policies, SETTINGS, work)


def test_a_pixel_of_half_the_size_is_the_mean_of_four(context):
    half = context.halved
    for small, large in zip(half.categories, context.categories, strict=True):
        squares = large.view(3, 3, 8, 2, 8, 2).double().mean((3, 5))
        assert torch.equal(small, squares.round().byte())
    assert torch.equal(half.normals, torch.cat(half.categories))
    assert [(p.count, p.turns, p.shift) for p in half.policies] == [
        (3, (), 2),
        (3, ("half turn",), 0),
    ]


def test_tiles_are_trained_on_and_at_two_scales_the_whole_too(context):
    tiles = context.images(untrained_advrad(tile=8))
    assert (tiles.crop, tiles.shrunk, tiles.where) == (8, None, None)
    assert tiles.images is context.normals
    both = context.images(untrained_advrad(tile=8, two_scales=True), "all")
    assert (both.crop, both.shrunk.crop) == (8, None)
    assert torch.equal(both.shrunk.images, context.halved.normals)
    assert [p.shift for p in both.shrunk.policies] == [2, 0]
    assert both.where.shape == (6, 1, 16, 16)
    assert both.shrunk.where.shape == (6, 1, 8, 8)


@pytest.mark.parametrize(
    ("share", "steps"),
    [
        (0.0, {"train": 8}),
        (0.75, {"train-half-size": 6, "train": 2}),
        (0.01, {"train": 8}),
        (0.99, {"train-half-size": 8}),
    ],
)
def test_the_parts_of_a_training_have_all_its_steps(context, share, steps):
    parts = list(context.sizes(SETTINGS, "train", share))
    assert {stage: settings.steps for _, settings, stage in parts} == steps
    assert [part.normals.shape[-1] for part, _, _ in parts] == [
        8 if stage.endswith("half-size") else 16 for stage in steps
    ]
    assert list(AdvRADFit(training=SETTINGS, progressive=share).stages) == list(steps)


def test_images_are_halved_once_for_all_trainings(context):
    (plain, _, _), *_ = context.sizes(SETTINGS, "train", 0.5)
    (attacked, _, _), *_ = context.sizes(SETTINGS, "adversarial-training", 0.5)
    assert attacked.normals is plain.normals


def test_both_sizes_train_the_same_weights(context):
    detector = untrained_advrad()
    small = context.halved.denoiser(detector)
    assert small.size == 8
    assert context.denoiser(detector) is detector.denoiser
    with torch.no_grad():
        next(small.parameters()).add_(1.0)
    torch.testing.assert_close(list(small.parameters()), list(detector.denoiser.parameters()))
    assert detector.denoiser.size == 16


def test_a_fit_goes_through_both_sizes_and_comes_to_the_same_weights_when_resumed(tmp_path, parts):
    data = load(parts, size=16)
    config = AdvRADFit(training=SETTINGS, adversarial_training=ATTACKED, progressive=0.75)
    steps: dict[str, int] = {}

    def tell(stage: str, step: int, *rest: object) -> None:
        steps[stage] = step

    whole = untrained_advrad().fit(data, config, Work(tmp_path / "a", progress=tell))
    again = untrained_advrad().fit(data, config, Work(tmp_path / "a", resume=True))
    assert {stage: steps[stage] for stage in config.stages} == {
        "train-half-size": 6,
        "train": 2,
        "adversarial-training-half-size": 3,
        "adversarial-training": 1,
    }
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    logged = (tmp_path / "a" / "train-half-size" / "train.jsonl").read_text().splitlines()
    assert json.loads(logged[-1])["step"] == 6


def test_the_stages_cost_less_at_half_the_size():
    training = Settings(steps=100)
    whole = AdvRADFit(training=training, progressive=0.0).stages
    parts = AdvRADFit(training=training, progressive=0.75).stages
    assert whole == {"train": 100}
    assert parts["train"] == 25
    assert 25 < parts["train-half-size"] < 75


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"image_size": 24}, "an attack needs sides that are multiples of 8, and half is 12"),
        ({"denoiser": PAPER}, "PaperDenoiser is tied to the size of its images"),
        ({"denoiser": {"name": "fast", "patch": 4}}, "size must be a multiple of"),
    ],
)
def test_what_cannot_be_halved_is_refused_before_any_training(parts, settings, why):
    detector, told = untrained_advrad(**settings), []
    config = AdvRADFit(training=SETTINGS, adversarial_training=ATTACKED, progressive=0.5)
    work = Work(progress=lambda *now: told.append(now))
    with pytest.raises(ValueError, match=rf"progressive=0\.5 makes images smaller, but {why}"):
        detector.fit(load(parts, size=detector.image_size), config, work)
    assert told == []


def test_tiles_and_impossible_shares_are_refused(parts):
    config = AdvRADFit(training=SETTINGS, progressive=0.5)
    with pytest.raises(ValueError, match=r"progressive=0\.5 makes images smaller, .* tiles of 16"):
        untrained_advrad(image_size=40, tile=16).fit(load(parts, size=40), config)
    with pytest.raises(ValueError, match="progressive"):
        AdvRADFit(progressive=1.0)


def test_a_patch_to_choose_that_cannot_be_halved_is_refused_before_any_training(parts):
    told, selection = [], Selection(ks=(50,), patches=(2, 8))
    config = AdvRADFit(training=SETTINGS, selection=selection, progressive=0.5)
    work = Work(progress=lambda *now: told.append(now))
    with pytest.raises(
        ValueError, match=r"progressive=0\.5 makes images smaller, but size must be"
    ):
        untrained_advrad().fit(load(parts, size=16), config, work)
    assert told == []
