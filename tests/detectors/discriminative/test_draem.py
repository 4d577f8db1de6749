import pytest
import torch
import torch.nn.functional as F

from hardsight.config import load_preset
from hardsight.detectors import demand_gradient
from hardsight.detectors.discriminative.draem import DRAEM
from hardsight.detectors.discriminative.draem_fitting import DRAEMFit
from hardsight.detectors.discriminative.draem_task import DRAEMTask, FocalObjective
from hardsight.detectors.discriminative.losses import focal_loss
from hardsight.detectors.discriminative.normals import Normals
from hardsight.synthesis import PerlinTextures
from hardsight.synthesis.similarity import ssim

TINY = {"reconstructive": 4, "discriminative": 4, "levels": 1, "patch": 2, "filter_size": 3}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tiny_draem(**settings) -> DRAEM:
    return DRAEM(**{"image_size": 16, "precision": "fp32"} | TINY | settings).eval()


def images(n: int = 3, size: int = 16) -> torch.Tensor:
    return 0.2 + 0.6 * torch.rand(n, 3, size, size, generator=generator(5))


def task(adversary=None, **settings) -> DRAEMTask:
    stored = (images(6) * 255).byte()
    normals = Normals.of(stored, "none", "all")
    return DRAEMTask(tiny_draem(**settings).network, normals, PerlinTextures(), 0.5, adversary)


@pytest.mark.parametrize("evidence", ["surprisal", "probability"])
def test_the_gradient_of_the_score_is_exact(evidence):
    assert demand_gradient(tiny_draem(evidence=evidence), images(), generator()).exact


def test_the_map_is_the_filtered_evidence_and_the_score_its_maximum():
    x = images()
    for evidence in ("surprisal", "probability"):
        detector = tiny_draem(evidence=evidence)
        p = detector.network(x)[1].sigmoid()
        values = p if evidence == "probability" else -(1 - p).log()
        maps = F.avg_pool2d(values, 3, 1, 1)
        found = detector(x)
        torch.testing.assert_close(found.anomaly_map, maps)
        torch.testing.assert_close(found.pred_score, maps.flatten(1).amax(1))


def test_a_fold_keeps_pixels_in_place():
    """What one cell of the input changes beyond the networks' reach stays as it is."""
    detector = tiny_draem(image_size=64)
    x = images(1, 64)
    y = x.clone()
    y[..., :2, :2] = 1 - y[..., :2, :2]
    change = (detector(x).anomaly_map - detector(y).anomaly_map).abs()[0, 0]
    assert change[0, 0] > 0
    assert (change[48:, 48:] < 1e-6).all()


def test_the_reconstruction_passes_the_smallest_level():
    """Without skip connections: a zero bottleneck leaves nothing of the image."""
    network = tiny_draem().network
    for p in network.reconstructive.up[0].parameters():
        torch.nn.init.zeros_(p)
    one, two = (network(images()[i : i + 1])[0] for i in (0, 1))
    torch.testing.assert_close(one, two)


def test_what_is_saved_scores_alike(tmp_path):
    detector = tiny_draem(seed=3)
    detector.save_pretrained(tmp_path)
    again = DRAEM.from_pretrained(tmp_path)
    assert torch.equal(again(images()).anomaly_map, detector(images()).anomaly_map)
    assert torch.equal(again(images()).pred_score, detector(images()).pred_score)


def test_the_loss_is_error_ssim_and_focal_loss():
    mine = task()
    rows = mine.batch(4, generator())
    x, where, anomalous, seeds = rows
    assert int(anomalous.sum()) == 2
    normal = x / 255
    shown, masks = mine.normals.some(
        normal, where, anomalous, mine.anomalies, generator(int(seeds[0]))
    )
    assert masks.flatten(1).any(1).tolist() == anomalous.tolist()
    rebuilt, logits = mine.module(shown)
    each = (rebuilt - normal).square().mean((1, 2, 3)) + 1 - ssim(rebuilt, normal)
    torch.testing.assert_close(mine.loss(*rows), (each + focal_loss(logits, masks)).mean())


def test_an_adversary_raises_the_focal_loss_inside_its_ball():
    adversary = DRAEMFit(adversary={"eps": 0.1, "steps": 3}).adversary
    mine = task(adversary)
    masks = torch.zeros(3, 1, 16, 16, dtype=torch.bool)
    masks[1:, :, 4:9, 4:9] = True
    objective = FocalObjective(mine.module, masks)
    found = adversary.perturb(mine.module, objective, images(), generator())
    assert (objective(found) > objective(images())).all()
    assert (found - images()).abs().max() <= 0.1 + 1e-6
    rows = mine.batch(4, generator())
    mine.module.eval()
    clean = task()
    clean.module.load_state_dict(mine.module.state_dict())
    clean.module.eval()
    assert mine.loss(*rows) > clean.loss(*rows)


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (2, 1), (3, 2), (8, 4)])
def test_half_of_a_batch_is_anomalous_and_never_none(size, expected):
    _, _, anomalous, _ = task().batch(size, generator())
    assert int(anomalous.sum()) == expected


def test_every_weight_learns():
    mine = task(DRAEMFit(adversary={"steps": 1}).adversary)
    mine.module.train()
    mine.loss(*mine.batch(4, generator())).backward()
    for name, p in mine.module.named_parameters():
        assert p.grad is not None, name
        assert p.grad.isfinite().all(), name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": 18}, "multiple"),
        ({"evidence": "loss"}, "evidence"),
        ({"filter_size": 4}, "filter_size"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny_draem(**settings)


def test_the_preset_is_the_default_of_its_class():
    detector = DRAEM()
    assert load_preset("draem").detector_settings == {
        k: v for k, v in detector.settings.items() if k != "seed"
    }


def test_a_fit_knows_its_stages():
    assert load_preset("draem").fit.stages == {"train": 1500}
    robust = load_preset("draem-robust").fit
    assert dict(robust.stages) == {"warm-up": 500, "train": pytest.approx(700 * (1 + 3 * 0.7))}
