import pytest
import torch
from tiny_detector import TINY, tiny_advrad

from hardsight.data import load
from hardsight.detectors import AdversarialTraining, AdvRAD, Selection
from hardsight.detectors.advrad.fixed_reconstruction import painted
from hardsight.detectors.advrad.noise_level import choose_k, most_noise
from hardsight.detectors.evidence import merit
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
def test_a_merit_is_that_of_the_painted_images_beside_their_reconstructions(k):
    detector = tiny_advrad()
    detector.sample_noise = lambda x, generator=None: torch.zeros(len(x), 2, *x.shape[1:])
    evidence = SMALL.evidence(normals(6, 1), seed=0)
    told = []
    taken, found = choose_k(
        detector, normals(8, 0), evidence, SMALL, 0, lambda *how: told.append(how[:3])
    )
    assert taken == most_noise(found, SMALL.slack)
    assert told == [("noise", 1, 2), ("noise", 2, 2)]
    detector.configure(k=k, average="error", filter_size=3, reference="error", aggregation="max")
    x, labels = evidence.images, evidence.labels
    with torch.no_grad():
        r = detector.reconstruct(x)
        clean, worst = (
            auroc(detector.detect(shown, r).pred_score.double().numpy(), labels.numpy())
            for shown in (x, painted(x, r, labels, 0.05))
        )
    assert worst < clean
    assert found[k] == pytest.approx(merit(clean, worst, 0.5))


def test_the_most_noise_that_costs_no_more_than_the_slack():
    merits = {50: 0.94, 100: 0.95, 200: 0.92, 300: 0.7}
    assert most_noise(merits, 0.0) == 100
    assert most_noise(merits, 0.035) == 200
    assert most_noise(merits, 1.0) == 300


def test_where_there_is_nothing_to_choose_nothing_is_painted():
    detector = tiny_advrad(k=70)
    one = SMALL.model_copy(update={"ks": (40,)})
    evidence = one.evidence(normals(6, 1), seed=0)
    assert choose_k(detector, normals(8, 0), evidence, one, 0) == (40, {})
    assert choose_k(detector, normals(8, 0), None, None, 0) == (70, {})


def test_an_open_game_is_played_and_scored_at_one_of_the_ks(parts):
    data = load(parts, size=16)
    settings = Settings(steps=2, batch_size=2, precision="32-true", sample_every=None)
    detector = AdvRAD(denoiser=TINY, image_size=16, filter_size=3, precision="fp32")
    detector.fit(data, settings, SMALL, game=AdversarialTraining(steps=1))
    report = detector.report
    assert set(report.painted) == {50, 200}
    assert {c.k for c in report.candidates} == {most_noise(report.painted, SMALL.slack)}
    assert detector.k == report.best.k
