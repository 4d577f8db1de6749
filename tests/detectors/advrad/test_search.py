import pytest
import torch
from tiny_detector import tiny_advrad
from torch import Tensor

from hardsight.detectors.advrad.candidates import Candidate
from hardsight.detectors.advrad.errors import with_reference
from hardsight.detectors.advrad.search import ScoringSearch
from hardsight.detectors.advrad.selection import Selection
from hardsight.metrics import auroc

SMALL = Selection(
    ks=(50, 200), filter_sizes=(1, 3), aggregations=("max", "top:0.05", "mean"),
    images=6, copies=3, reference_images=8, steps=2,
)  # fmt: skip


def normals(n: int, seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(90, 160, (n, 3, 16, 16), generator=g, dtype=torch.uint8)


def search(
    settings: Selection = SMALL, held_out: int = 6, fixed_noise: bool = False
) -> ScoringSearch:
    evidence = settings.evidence(normals(held_out, 1), seed=0)
    return ScoringSearch(
        tiny_advrad(fixed_noise=fixed_noise), normals(8, 0), evidence, settings, seed=0
    )


def scores_of(found: ScoringSearch, candidate: Candidate, images: Tensor) -> Tensor:
    scoring = candidate.scoring_of(found.detector.scoring)
    return with_reference(found.detector, scoring, normals(8, 0)).predict(images).pred_score


def auroc_of(found: ScoringSearch, candidate: Candidate, images: Tensor, labels: Tensor) -> float:
    return auroc(scores_of(found, candidate, images).double().numpy(), labels.numpy())


@pytest.mark.parametrize("average", ["error", "reconstruction"])
@pytest.mark.parametrize("reference", ["error", "deviation", "standardised"])
@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_the_fast_path_scores_as_the_detector(margin, reference, average):
    """Over shared maps or through the detector: the same AUROC, as long as the noise is fixed."""
    few = {"ks": (1,), "filter_sizes": (3,), "margins": (0.0, 0.1)}
    found = search(SMALL.model_copy(update=few), fixed_noise=True)
    evidence = found.settings.evidence(normals(6, 1), seed=0)
    wanted = margin, reference, average
    ours = [c for c in found.candidates if (c.margin, c.reference, c.average) == wanted]
    assert len(ours) == 3
    for candidate in ours:
        assert auroc_of(found, candidate, *evidence[:2]) == candidate.clean


def test_before_any_attack_the_bound_is_the_clean_figure():
    found = search(fixed_noise=True)
    for candidate in found.candidates:
        value = auroc_of(found, candidate, found.few.images, found.few.labels)
        assert candidate.transferred == value
        assert candidate.robust is None


def test_no_attack_raises_a_bound():
    found = search()
    before = [c.transferred for c in found.candidates]
    found.attack_middling()
    middle = [c.transferred for c in found.candidates]
    victim = found.best
    found.attack(victim)
    after = [c.transferred if c.robust is None else c.robust for c in found.candidates]
    assert all(a >= m >= e for a, m, e in zip(before, middle, after, strict=True))
    assert sum(middle) < sum(before)  # it did something
    (attacked,) = [c for c in found.candidates if c.robust is not None]
    own = found.detector.scoring
    assert attacked.scoring_of(own) == victim.scoring_of(own)


def test_an_attack_of_its_own_is_among_the_worst(monkeypatch):
    """With two attacks, the robust figure is that of the worse score of each image."""
    found = search(fixed_noise=True)
    given = []
    attack = Selection.attack
    monkeypatch.setattr(Selection, "attack", lambda *how: given.append(attack(*how)) or given[-1])
    found.attack_middling()
    victim = found.best
    found.attack(victim)
    (own,) = [c for c in found.candidates if c.robust is not None]
    robust = own.robust
    assert own.transferred == victim.transferred >= robust
    labels = found.few.labels
    scores = torch.stack([scores_of(found, victim, x) for x in (found.few.images, *given)])
    worst = torch.where(labels, scores.amin(0), scores.amax(0))
    assert robust == auroc(worst.double().numpy(), labels.numpy())


@pytest.mark.parametrize(("held_out", "copies"), [(6, 1), (3, 2), (4, 2), (2, 3)])
def test_of_few_normals_more_copies_are_attacked(held_out, copies):
    settings = SMALL.model_copy(update={"attacked": 6})
    assert len(search(settings, held_out).few.labels) == held_out * (1 + copies)


def test_the_detector_is_left_as_it_was():
    found = search()
    before = tiny_advrad()
    found.attack_middling()
    assert found.detector.settings == before.settings
    for name, value in before.state_dict().items():
        assert torch.equal(found.detector.state_dict()[name], value)
