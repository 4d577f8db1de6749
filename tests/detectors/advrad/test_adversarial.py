import pytest
import torch
from scipy.ndimage import uniform_filter
from tiny_detector import tiny_advrad, untrained_advrad

from hardsight.attacks import value_and_gradient
from hardsight.augment import TrainingImages
from hardsight.data import load
from hardsight.detectors import AdversarialTraining, AdvRADFit, Work
from hardsight.detectors.advrad.adversarial import AdversarialTask, ErrorObjective
from hardsight.detectors.advrad.maps import multiscale_error
from hardsight.training import Settings

SMALL = {"steps": 3, "k_low": 80, "k_high": 120}


@pytest.fixture
def task():
    g = torch.Generator().manual_seed(0)
    images = (255 * torch.rand(6, 3, 16, 16, generator=g)).byte()
    where = torch.ones(6, 1, 16, 16, dtype=torch.bool)
    normals = TrainingImages(images, where=where)
    return AdversarialTask(tiny_advrad().denoiser, normals, AdversarialTraining(**SMALL))


def test_half_of_a_batch_is_anomalous_and_all_is_drawn_from_the_generator(task):
    first, again = (task.batch(4, torch.Generator().manual_seed(3)) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    x, where, anomalous, t, noise, *_ = first
    assert anomalous.sum() == 2
    assert ((t >= 80) & (t <= 120)).all()
    assert x.shape == noise.shape
    assert where.shape == x[:, :1].shape


def test_the_objective_raises_normal_errors_and_lowers_the_others():
    detector = tiny_advrad(k=100)
    g = torch.Generator().manual_seed(0)
    x, noise = torch.rand(2, 3, 16, 16, generator=g), torch.randn(2, 3, 16, 16, generator=g)
    sign = torch.tensor([1.0, -1.0])
    training = AdversarialTraining(margin=0.2, filter_size=3, top=1 / 256)
    objective = ErrorObjective(detector.denoiser, torch.tensor([100, 100]), noise, sign, training)
    r = detector.reconstruct(x, noise[:, None])[:, 0]
    errors = multiscale_error(x, r.detach(), margin=0.2).double().numpy()
    expected = sign * torch.tensor(
        [uniform_filter(e[0], 3, mode="constant").max() for e in errors], dtype=torch.float32
    )
    torch.testing.assert_close(objective(x), expected)
    _, gradient = value_and_gradient(objective, x)
    assert (gradient.flatten(1).norm(dim=1) > 0).all()


@pytest.mark.parametrize("eps", [0.0, 8 / 255])
def test_the_loss_is_that_of_the_attacked_image_against_the_clean_one(task, eps):
    """With nothing anomalous, written out: plain denoising of the attacked images, and peaks."""
    training = AdversarialTraining(**SMALL, eps=eps, peak=0.5)
    calm = AdversarialTask(task.module, task.normals, training)
    x, where, anomalous, t, noise, seeds = calm.batch(4, torch.Generator().manual_seed(1))
    loss = calm.loss(x, where, torch.zeros_like(anomalous), t, noise, seeds)
    assert all(p.grad is None and p.requires_grad for p in task.module.parameters())
    objective = ErrorObjective(task.module, t, noise, torch.ones(4), training)
    generator = torch.Generator().manual_seed(int(seeds[0]))
    adversarial = training.attack(generator)(objective, x.float() / 255, generator).images
    assert float((adversarial - x / 255).abs().max()) == pytest.approx(eps, abs=1e-6)
    schedule, clean = task.module.schedule, x.float() / 127.5 - 1
    total = 0.0
    for i in range(4):
        ab = float(schedule.alpha_bar(int(t[i])))
        x_t = ab**0.5 * (2 * adversarial[i] - 1) + (1 - ab) ** 0.5 * noise[i]
        r = task.module(x_t[None], t[i : i + 1]).detach()
        peak = training.peaks((clean[i : i + 1] + 1) / 2, (r + 1) / 2)
        error = ((r[0] - clean[i]) ** 2).mean() + 0.5 * 4 * peak
        total += float(error) / ((1 - ab) / ab + 0.01) / 4
    assert float(loss.detach()) == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.25, 1), (1.0, 4)])
def test_batches_of_one_class_or_of_unequal_ones(task, share, count):
    uneven = AdversarialTask(
        task.module, task.normals, AdversarialTraining(**SMALL, anomalous=share)
    )
    batch = uneven.batch(4, torch.Generator().manual_seed(0))
    assert batch[2].sum() == count
    assert uneven.loss(*batch).isfinite()


def test_radii_are_drawn_between_two():
    generator = torch.Generator().manual_seed(0)
    training = AdversarialTraining(eps=0.1, eps_low=0.04)
    attacks = [training.attack(generator) for _ in range(200)]
    radii = torch.tensor([a.ball.eps for a in attacks])
    assert 0.04 <= radii.min() < 0.045
    assert 0.095 < radii.max() <= 0.1
    assert attacks[0].step_size == pytest.approx(0.7 * attacks[0].ball.eps)


def test_impossible_trainings_are_refused(task):
    with pytest.raises(ValueError, match=r"eps_low must not be above eps, got 0\.2 > 0\.1"):
        AdversarialTraining(eps=0.1, eps_low=0.2)
    with pytest.raises(ValueError, match="k_low"):
        AdversarialTraining(k_low=200, k_high=100)
    with pytest.raises(ValueError, match="filter_size must be odd and positive, got 4"):
        AdversarialTraining(filter_size=4)
    with pytest.raises(ValueError, match="k_high"):
        AdversarialTask(task.module, task.normals, AdversarialTraining(k_low=50, k_high=2000))


def test_a_fit_trains_on_after_the_plain_training_and_goes_on_where_it_was(tmp_path, parts):
    data = load(parts, size=16)
    settings = Settings(steps=4, batch_size=2, precision="32-true", sample_every=None)
    plain = AdvRADFit(training=settings)
    further = AdvRADFit(training=settings, adversarial_training=AdversarialTraining(**SMALL))
    fits = (
        (plain, Work(tmp_path / "a")),
        (further, Work(tmp_path / "b")),
        (further, Work(tmp_path / "b", resume=True)),
    )
    detectors = [untrained_advrad().fit(data, config, work) for config, work in fits]
    weights = [torch.cat([p.flatten() for p in d.parameters()]) for d in detectors]
    assert not torch.equal(weights[0], weights[1])
    assert torch.equal(weights[1], weights[2])


def test_a_training_is_open_until_it_has_a_k(task):
    assert (AdversarialTraining().at(70).k_low, AdversarialTraining().at(70).k_high) == (70, 70)
    with pytest.raises(ValueError, match="needs k_low and k_high"):
        AdversarialTask(task.module, task.normals, AdversarialTraining())
    with pytest.raises(ValueError, match="set k_low and k_high or neither, got 50 and None"):
        AdversarialTraining(k_low=50)
