"""EfficientAD: losses against NumPy, maps, fits, and anomalib's with the same weights."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from stopping import fit_until
from tiny_students import BACKBONE, images

from hardsight.augment import AugmentationPolicy
from hardsight.config import Config
from hardsight.detectors import EfficientAD, demand_gradient
from hardsight.detectors.distillation.description_task import (
    BackboneDescriptions,
    DescriptionTask,
)
from hardsight.detectors.distillation.efficient_ad_task import EfficientADTask, recoloured
from hardsight.detectors.distillation.hard_features import hard_feature_loss
from hardsight.detectors.distillation.photographs import photographs, random_crops
from hardsight.metrics import auroc
from hardsight.runs import recalibrate, start_run

TRAINING = {
    "steps": 3, "batch_size": 2, "lr": 1e-3, "ema_decay": 0.5, "checkpoint_every": 2,
    "precision": "32-true", "accelerator": "cpu", "sample_every": None,
}  # fmt: skip


def tiny(**settings) -> EfficientAD:
    small = {"backbone": BACKBONE, "image_size": 64, "width": 4, "precision": "fp32"}
    return EfficientAD(**small | settings).eval()


def stored(n: int = 4, size: int = 64) -> torch.Tensor:
    return (images(n, size) * 255).byte()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("quantile", [0.0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("count", [7, 1000, 1001])
def test_the_hard_feature_loss_is_the_mean_from_numpys_quantile_on(quantile, count):
    values = torch.rand(count, generator=generator(count))
    hard = values[values.numpy() >= np.quantile(values.numpy(), quantile)]
    torch.testing.assert_close(hard_feature_loss(values.view(1, count, 1), quantile), hard.mean())


@pytest.mark.parametrize("quantile", [0.999, 0.9])
def test_the_loss_is_its_four_terms(quantile):
    detector = tiny()
    x, changed, others = (images(2, 64, seed) for seed in (1, 2, 3))
    student, autoencoder = detector.student["descriptions"], detector.student["autoencoder"]
    expected = (detector.teacher(x) - detector.mean) / detector.std
    squares = (expected - student(x)[:, :64]).square().detach()
    hard = squares[squares >= torch.quantile(squares, quantile)].mean()
    logical, rebuilt = detector.teacher(changed), autoencoder(changed)
    right = (
        hard
        + student(others)[:, :64].square().mean()
        + F.mse_loss(rebuilt, logical)
        + F.mse_loss(student(changed)[:, 64:], rebuilt)
    )
    torch.testing.assert_close(detector.loss(x, changed, others, quantile), right)


def test_the_map_is_the_mean_of_both_between_their_quantiles():
    detector = tiny()
    normals = stored(6)
    detector.normalise(normals)
    with torch.no_grad():
        maps = detector.distances(normals / 255).transpose(0, 1).flatten(1)
    found = np.quantile(maps.numpy(), [0.9, 0.995], axis=1, method="nearest").T
    np.testing.assert_allclose(detector.quantiles, found, rtol=1e-5)
    x = images(2, 64)
    both = [
        0.1 * (part - q[0]) / (q[1] - q[0])
        for part, q in zip(detector.maps(x).unbind(1), detector.quantiles, strict=True)
    ]
    expected = 0.5 * (both[0] + both[1])
    torch.testing.assert_close(detector(x).anomaly_map[:, 0], expected)
    torch.testing.assert_close(detector(x).pred_score, expected.flatten(1).amax(1))


def test_the_quantiles_are_of_what_lies_inside_the_margin_of_the_maps():
    """In there every pixel is 0, whatever the image."""
    detector, normals = tiny(), stored(6)
    with torch.no_grad():
        inside = detector.distances(normals / 255)
        whole = detector.maps(normals / 255)
    assert bool((whole[..., :8] == 0).all())
    assert bool((inside > 0).all())
    detector.normalise(normals)
    shares = [
        float((part <= q).double().mean())
        for part, quantiles in zip(inside.unbind(1), detector.quantiles, strict=True)
        for q in quantiles
    ]
    np.testing.assert_allclose(shares, [0.9, 0.995] * 2, atol=2 / inside[:, 0].numel())


@pytest.mark.parametrize("alike", [False, True])
def test_plain_images_have_a_finite_map_and_others_a_higher_score(alike):
    """No quantile of the student's distances is above another where all patches are the same."""
    detector, grey = tiny(), torch.full((3, 3, 64, 64), 128, dtype=torch.uint8)
    if alike:  # not even a distance
        detector.maps = lambda images: (images[:, :2] - 128 / 255).abs()
        detector.distances = lambda images: detector.maps(images)[..., :8, :8]
    detector.normalise(grey)
    marked = grey.clone()
    marked[:, :, 20:40, 20:40] = 0
    plain, other = (detector(x / 255).pred_score for x in (grey, marked))
    assert bool((plain.isfinite() & other.isfinite()).all())
    assert bool((other > plain).all())


def test_the_gradient_of_the_score_is_exact():
    detector = tiny()
    detector.normalise(stored())
    assert demand_gradient(detector, images(2, 64), generator()).exact


def test_what_is_saved_scores_alike(tmp_path):
    detector = tiny(seed=3)
    detector.standardise(stored())
    detector.normalise(stored())
    detector.save_pretrained(tmp_path)
    again = EfficientAD.from_pretrained(tmp_path)
    x = images(2, 64)
    assert torch.equal(again(x).anomaly_map, detector(x).anomaly_map)
    assert torch.equal(again(x).pred_score, detector(x).pred_score)


def test_a_teacher_learns_what_the_backbone_finds_at_the_same_places():
    """A patch of the description reaches over 33 pixels, and its target lies in their middle."""
    detector, normals = tiny(), stored()
    expected = BackboneDescriptions(detector.backbone(), normals)
    task = DescriptionTask(
        detector.teacher, expected, normals, AugmentationPolicy(4), photographs(("coffee.png",))
    )
    x = images(2, 64)
    assert expected(x).shape == detector.teacher(x).shape
    found = expected(normals / 255)
    torch.testing.assert_close(found.mean((0, 2, 3)), torch.zeros(64), atol=1e-4, rtol=0)
    rows = task.batch(4, generator())
    assert rows[0].shape == (4, 3, 64, 64)
    right = F.mse_loss(detector.teacher(rows[0] / 255), expected(rows[0] / 255))
    torch.testing.assert_close(task.loss(*rows), right)


def test_a_batch_is_images_the_same_recoloured_and_photographs():
    task = EfficientADTask(tiny(), stored(), AugmentationPolicy(4), photographs(("moon.png",)))
    x, changed, others = task.batch(3, generator())
    again = task.batch(3, generator())
    assert all(torch.equal(a, b) for a, b in zip((x, changed, others), again, strict=True))
    assert (x.float() - changed.float()).abs().flatten(1).amax(1).gt(0).all()
    assert (x.float() - changed.float()).abs().mean() < 0.2 * 255
    assert others.shape == x.shape
    grey = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    assert 80 <= recoloured(grey, generator()).float().mean() <= 120


def test_crops_are_squares_of_the_pictures():
    picture = torch.full((3, 40, 90), 7, dtype=torch.uint8)
    crops = random_crops([picture, picture + 1], 20, 16, generator())
    assert crops.shape == (20, 3, 16, 16)
    assert set(crops.unique().tolist()) == {7, 8}


def config(parts, **changes) -> Config:
    values = {
        "method": "efficient-ad", "training": TRAINING, "teaching": TRAINING,
        "detector": {"backbone": BACKBONE, "image_size": 64, "width": 4, "precision": "fp32"},
        "data": {"path": str(parts)}, "augment": "none",
    }  # fmt: skip
    return Config.parse(values, "test").updated(changes)


def test_a_fit_tells_an_obvious_defect(parts, tmp_path):
    steps = {"teaching.steps": 10, "training.steps": 30}
    run = start_run(tmp_path / "run", config(parts, **steps))
    found, test = run.fit("cpu"), run.data().test
    scores = found.predict(test.images()).pred_score
    assert auroc(scores.double().numpy(), test.labels) == 1
    held_out = len(run.data().validation)
    assert len(found.demand_calibration().normal_scores) == held_out // 2
    assert torch.equal(run.detector("cpu").predict(test.images()).pred_score, scores)


def test_what_normalised_the_maps_never_sets_a_threshold(parts, tmp_path):
    run = start_run(tmp_path / "run", config(parts))
    before = run.fit("cpu").demand_calibration()
    after = recalibrate(run, device="cpu").after
    assert len(after.normal_scores) == len(before.normal_scores)
    np.testing.assert_allclose(after.normal_scores, before.normal_scores, rtol=1e-5)


def test_a_resumed_run_goes_on_to_the_same_weights(parts, tmp_path):
    """Stopped in the training of the student, after that of the teacher."""
    whole, broken = (start_run(tmp_path / name, config(parts)) for name in ("whole", "broken"))
    whole.fit("cpu")
    fit_until(broken, 3)
    broken.fit("cpu")
    read = [(run.path / "model.safetensors").read_bytes() for run in (whole, broken)]
    assert read[0] == read[1]


@pytest.mark.parametrize("size", [48, 70])
def test_a_size_that_cannot_be_is_named(size):
    with pytest.raises(ValueError, match=f"multiple of 32 and at least 64, got {size}"):
        tiny(image_size=size)


def test_anomalibs_scores_from_the_same_weights():
    """ResNet-18's strides 8 and 16 have the 384 channels of the paper's teacher."""
    pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")
    from anomalib.models.image.efficient_ad.torch_model import EfficientAdModel

    theirs = EfficientAdModel().eval()
    backbone = BACKBONE | {"name": "resnet18", "taps": [2, 3]}
    ours = EfficientAD(backbone, image_size=256, width=128, precision="fp32").eval()
    student, autoencoder = ours.student["descriptions"], ours.student["autoencoder"]
    for a, b in (
        (theirs.teacher, ours.teacher), (theirs.student, student), (theirs.ae, autoencoder),
    ):  # fmt: skip
        pairs = zip(a.parameters(), b.parameters(), strict=True)
        with torch.no_grad():
            for given, own in pairs:
                own.copy_(given)
    ours.mean.fill_(0.1)
    ours.std.fill_(0.3)
    ours.quantiles.copy_(torch.tensor([[0.1, 0.7], [0.2, 0.5]]))
    theirs.mean_std.update({"mean": ours.mean, "std": ours.std})
    (a, b), (c, d) = ours.quantiles
    theirs.quantiles.update({"qa_st": a, "qb_st": b, "qa_ae": c, "qb_ae": d})
    x = images(1, 256)
    with torch.no_grad():
        expected, found = theirs(x), ours(x)
    torch.testing.assert_close(found.anomaly_map, expected.anomaly_map, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.pred_score, expected.pred_score[:, 0], rtol=1e-4, atol=1e-5)
