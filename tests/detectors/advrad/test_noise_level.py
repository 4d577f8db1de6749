import pytest
import torch
from tiny_detector import tiny_advrad, untrained_advrad

from hardsight.data import load
from hardsight.detectors import AdversarialTraining, AdvRADFit, Scoring, Selection, Work
from hardsight.detectors.advrad.fitting import fit_advrad
from hardsight.detectors.advrad.fixed_reconstruction import attack_fixed_reconstruction
from hardsight.detectors.advrad.noise_level import choose_k, most_noise
from hardsight.detectors.evidence import selection_score
from hardsight.metrics import auroc
from hardsight.training import Settings

SMALL = Selection(
    ks=(50, 200), averages=("error",), filter_sizes=(3,), references=("error",),
    aggregations=("max",), map_filter_sizes=(1,), images=6, copies=3, reference_images=8, steps=1,
    shortlist=1, eps=0.05,
)  # fmt: skip


def normals(n: int, seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(90, 160, (n, 3, 16, 16), generator=g, dtype=torch.uint8)


@pytest.mark.parametrize("k", [50, 200])
def test_a_selection_score_is_that_of_images_moved_beside_fixed_reconstructions(k):
    detector = tiny_advrad(fixed_noise=True)
    evidence = SMALL.evidence(normals(6, 1), seed=0)
    told = []
    taken, found = choose_k(
        detector, normals(8, 0), evidence, SMALL, 0, lambda *how: told.append(how[:3])
    )
    assert taken == most_noise(found, SMALL.slack)
    assert told == [("noise", 1, 2), ("noise", 2, 2)]
    scoring = Scoring(k=k, filter_size=3, reference="error", aggregation="max")
    x, labels = evidence.images, evidence.labels
    with torch.no_grad():
        r = detector.with_scoring(scoring).reconstruct(x)
        clean, worst = (
            auroc(
                scoring.detect(scoring.compare(shown, r), detector.statistics)
                .pred_score.double()
                .numpy(),
                labels.numpy(),
            )
            for shown in (x, attack_fixed_reconstruction(x, r, labels, 0.05))
        )
    assert worst < clean
    assert found[k] == pytest.approx(selection_score(clean, worst, 0.5))


def test_the_most_noise_that_costs_no_more_than_the_slack():
    scores = {50: 0.94, 100: 0.95, 200: 0.92, 300: 0.7}
    assert most_noise(scores, 0.0) == 100
    assert most_noise(scores, 0.035) == 200
    assert most_noise(scores, 1.0) == 300


def test_of_one_k_nothing_is_chosen():
    one = SMALL.model_copy(update={"ks": (40,)})
    evidence = one.evidence(normals(6, 1), seed=0)
    assert choose_k(tiny_advrad(k=70), normals(8, 0), evidence, one, 0) == (40, {})


def test_an_open_training_is_at_one_of_the_ks_and_so_is_the_score(parts):
    data = load(parts, size=16)
    config = AdvRADFit(
        training=Settings(steps=2, batch_size=2, precision="32-true", sample_every=None),
        selection=SMALL,
        adversarial_training=AdversarialTraining(steps=1),
    )
    fitted = fit_advrad(untrained_advrad(), data, config, Work())
    report = fitted.report
    assert set(report.fixed_reconstruction) == {50, 200}
    chosen = most_noise(report.fixed_reconstruction, SMALL.slack)
    assert {c.k for c in report.candidates} == {chosen}
    assert fitted.detector.scoring.k == report.best.k == chosen
