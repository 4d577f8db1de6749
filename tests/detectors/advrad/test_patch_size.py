import pytest
import torch
from tiny_detector import tiny_advrad

from hardsight.augment import AugmentationPolicy
from hardsight.detectors import Selection
from hardsight.detectors.advrad.context import TrainingContext
from hardsight.detectors.advrad.patch_size import choose_patch, with_patch
from hardsight.detectors.fitted import OpenWork
from hardsight.training import Settings

SMALL = Selection(
    ks=(50,),
    filter_sizes=(1,),
    references=("error",),
    aggregations=("mean",),
    patches=(2, 4),
    pilot_steps=8,
    images=4,
    copies=1,
    reference_images=4,
    steps=1,
    shortlist=1,
)


def normals(n: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.randint(90, 160, (n, 3, 16, 16), generator=g, dtype=torch.uint8)


def choose(folder):
    seen = []
    work = OpenWork(folder, True, lambda *told: seen.append(told[:3]))
    training = Settings(steps=100, sample_every=None)
    given, images = tiny_advrad(), normals(6)
    context = TrainingContext((images,), images, (AugmentationPolicy(6),), training, work)
    detector, scores = choose_patch(given, context, SMALL.evidence(normals(4), 0), SMALL)
    assert given.settings == tiny_advrad().settings
    return detector, scores, seen


def test_patches_are_trained_for_the_same_cost_and_the_best_is_kept(tmp_path):
    detector, scores, seen = choose(tmp_path)
    assert set(scores) == {2, 4}
    assert seen[-1] == ("pilot-4", 8, 8)
    assert ("pilot-2", 2, 2) in seen  # four times the cells, a quarter of the steps
    best = max(scores, key=scores.get)
    assert detector.denoiser.patch == best
    assert detector.settings["denoiser"]["patch"] == best


def test_the_winner_starts_untrained_and_saves_as_it_is(tmp_path):
    detector, _, _ = choose(tmp_path / "pilots")
    fresh = with_patch(tiny_advrad(), detector.denoiser.patch)
    for a, b in zip(detector.denoiser.parameters(), fresh.denoiser.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    detector.save_pretrained(tmp_path / "saved")
    loaded = type(detector).from_pretrained(tmp_path / "saved")
    assert loaded.denoiser.patch == detector.denoiser.patch


def test_a_killed_choice_goes_on_with_the_same_result(tmp_path):
    _, first, _ = choose(tmp_path)
    _, again, seen = choose(tmp_path)
    assert again == first
    assert not any(stage.startswith("pilot") and done < total for stage, done, total in seen)


def test_a_patch_that_does_not_fit_is_refused_before_another_is_trained(tmp_path):
    seen = []
    work = OpenWork(tmp_path, True, lambda *told: seen.append(told))
    images, odd = normals(6), SMALL.model_copy(update={"patches": (2, 5)})
    training = Settings(steps=100, sample_every=None)
    context = TrainingContext((images,), images, (AugmentationPolicy(6),), training, work)
    with pytest.raises(ValueError, match="size must be a multiple of patch"):
        choose_patch(tiny_advrad(), context, odd.evidence(normals(4), 0), odd)
    assert not seen
