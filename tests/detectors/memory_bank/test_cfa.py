import pytest
import torch
from tiny_banks import TINY, attacked_auroc, clean_auroc, images, saved_and_loaded
from torch.nn import Identity

from hardsight.config import load_preset
from hardsight.detectors import CFA, CFAFit, demand_gradient
from hardsight.detectors.memory_bank.cfa_fitting import AdaptationTask
from hardsight.detectors.memory_bank.hyperspheres import Hyperspheres
from hardsight.training import Settings

SMALL = TINY | {"adapted": 12}
TRAINING = {"steps": 30, "batch_size": 4, "precision": "32-true", "accelerator": "cpu", "lr": 3e-3}
FIT = CFAFit(training=Settings(**TRAINING), augment="none")


@pytest.fixture(scope="module")
def detector(stripes):
    return CFA(**SMALL).fit(stripes, FIT)


def test_the_map_is_the_distance_to_the_nearest_centre_times_its_softmin(detector):
    x, centres = images(), detector.centres.vectors
    rows = detector.descriptor(detector.embed(x)).flatten(0, 1)
    away = torch.cdist(rows, centres).sort(1).values[:, :3]
    values = away[:, 0] * (-away).exp()[:, 0] / (-away).exp().sum(1)
    maps = detector.enlarged(values.view(3, 1, 4, 4))
    found = detector(x)
    torch.testing.assert_close(found.anomaly_map, maps, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.pred_score, maps.flatten(1).amax(1), rtol=1e-3, atol=1e-4)


def test_the_loss_draws_into_near_spheres_and_out_of_far_ones():
    squares = torch.tensor([[1.0, 5.0, 6.0, 9.0]])
    radius, margin = 2.5, 0.2  # squared 6.25
    attraction = (0 + 0) / 2
    repulsion = (6.25 - 6.0 - 0.2 + 0) / 2
    found = Hyperspheres(Identity(), radius, margin).loss(squares, 2)
    assert float(found.detach()) == pytest.approx(attraction + repulsion, rel=1e-4)
    alone = Hyperspheres(Identity(), 2.0, margin).loss(squares, 4)
    assert float(alone.detach()) == pytest.approx((1 + 2 + 5) / 4)


def test_the_radius_is_learned_from_the_patches_outside_near_spheres_and_inside_far_ones():
    """d/dr of mean(max(0, a - r^2)) + mean(max(0, r^2 - b - m)): -2 r and 2 r, by the shares."""
    spheres = Hyperspheres(Identity(), 2.5, 0.2)
    spheres.loss(torch.tensor([[1.0, 7.0, 8.0, 6.0, 9.0]]), 3).backward()
    assert float(spheres.radius.grad) == pytest.approx(2 * 2.5 * (-2 / 3 + 1 / 2))


def test_training_draws_patches_to_centres_that_stay():
    detector, normals = CFA(**SMALL), (images(8) * 255).byte()
    with torch.no_grad():
        vectors = detector.descriptor(detector.embed(normals / 255))
        detector.centres.fill(vectors.mean(0))
    centres = detector.centres.vectors.clone()
    task = AdaptationTask(detector, normals, FIT)
    optimizer = torch.optim.SGD(detector.descriptor.parameters(), lr=0.02)
    values = []
    for _ in range(15):
        values.append(task.loss(normals))
        optimizer.zero_grad()
        values[-1].backward()
        optimizer.step()
    assert values[-1] < 0.97 * values[0]
    assert torch.equal(detector.centres.vectors, centres)


def test_distances_are_of_single_precision_whatever_the_training_computes_in(detector):
    normals = (images(8) * 255).byte()
    task = AdaptationTask(detector, normals, FIT)
    with torch.autocast("cpu", torch.bfloat16):
        found = task.loss(normals)
    assert torch.equal(found, task.loss(normals))


def test_the_gradient_of_the_score_is_exact(detector):
    assert demand_gradient(detector, images(2), torch.Generator().manual_seed(0)).exact


def test_it_tells_defects_and_an_attack_takes_that_away(detector, stripes):
    assert clean_auroc(detector, stripes) > 0.9
    assert attacked_auroc(detector, stripes, 2 / 255) < clean_auroc(detector, stripes) - 0.2


def test_a_run_is_saved_and_loaded_bit_for_bit(tmp_path, stripes):
    values = {"detector": SMALL, "training": TRAINING | {"steps": 4}}
    saved_and_loaded("cfa", values, stripes, tmp_path / "run")


def test_the_preset_shows_the_defaults():
    config = load_preset("cfa")
    shown = {k: v for k, v in config.arguments.items() if k not in ("backbone", "seed")}
    assert shown.items() <= CFA().settings.items()
    assert config.fit.model_dump(exclude={"training", "augment"}) == CFAFit().model_dump(
        exclude={"training", "augment"}
    )


def test_more_neighbours_than_centres_are_refused():
    with pytest.raises(ValueError, match="neighbours must be 1 to 16, the centres, got 17"):
        CFA(**SMALL, neighbours=17)
