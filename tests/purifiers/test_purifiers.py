import pytest
import torch
from gaussian_mixture import Mixture, MixtureDenoiser
from torch import nn

from hardsight.attacks import Checkpointed, CrossEntropyObjective, value_and_gradient
from hardsight.diffusion import (
    Denoiser,
    Schedule,
    arbitrary_shot,
    ddim,
    one_shot,
    reverse_sde,
)
from hardsight.purifiers import ADP, DDIMPurifier, DiffPure, Noising, OneShot, Purified

ANY = torch.Generator().manual_seed(7)


class Smooth(Denoiser):
    """A smooth network in float64, with more activations than input."""

    def __init__(self):
        super().__init__(Schedule.linear())
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            self.net = nn.Sequential(
                nn.Conv2d(1, 24, 3, padding=1), nn.SiLU(), nn.Conv2d(24, 1, 3, padding=1)
            ).double()

    def forward(self, x_t, t):
        return torch.tanh(self.net(x_t))


def images(n=3, side=6, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(n, 1, side, side, generator=g, dtype=torch.float64)


PURIFIERS = {
    "ddim": lambda d, **own: DDIMPurifier(d, 140, 10, **own),
    "ddim eta 1": lambda d, **own: DDIMPurifier(d, 140, 10, eta=1.0, **own),
    "sde": lambda d, **own: DiffPure(d, 100, 10, **own),
    "ancestral": lambda d, **own: DiffPure(d, 100, 10, form="ancestral", **own),
    "adp": lambda d, **own: ADP(d, steps=4, **own),
}


@pytest.mark.parametrize("name", PURIFIERS)
def test_one_noise_one_image(name):
    purifier, x = PURIFIERS[name](Smooth()), images()
    noise = purifier.sample_noise(x, torch.Generator().manual_seed(1))
    again = purifier.sample_noise(x, torch.Generator().manual_seed(1))
    assert torch.equal(noise, again)
    with torch.no_grad():
        whole = purifier(x, noise)
        assert whole.shape == x.shape
        torch.testing.assert_close(whole[1:2], purifier(x[1:2], noise[1:2]))
        assert not torch.allclose(whole, purifier(x, purifier.sample_noise(x, ANY)))


@pytest.mark.parametrize("name", [*PURIFIERS, "one-shot", "noising"])
def test_noise_of_other_images_is_refused(name):
    """That of one image would be added to all."""
    built = {"one-shot": lambda d: OneShot(d, 0.2), "noising": lambda d: Noising(0.2)} | PURIFIERS
    purifier, x = built[name](Smooth()), images()
    with pytest.raises(ValueError, match=r"noise must have .*, 6, 6.*, got .1,"):
        purifier(x, purifier.sample_noise(x[:1]))


def test_they_are_the_chains_of_diffusion_in_pixels():
    d, x = Smooth(), images()
    with torch.no_grad():
        for purifier, chain in (
            (
                DDIMPurifier(d, 40, 10, eta=0.3),
                lambda x, n: ddim(d, x, (1, 11, 21, 31, 41), n, 0.3),
            ),
            (DiffPure(d, 50, 25), lambda x, n: reverse_sde(d, x, (25, 50), n)),
            (
                DiffPure(d, 50, 25, form="ancestral"),
                lambda x, n: arbitrary_shot(d, x, (25, 50), n),
            ),
            (
                OneShot(d, float(d.schedule.sigma(60)) / 2),
                lambda x, n: one_shot(d, x, 60, n[:, 0]),
            ),
        ):
            noise = purifier.sample_noise(x, torch.Generator().manual_seed(1))
            torch.testing.assert_close(purifier(x, noise), (chain(2 * x - 1, noise) + 1) / 2)


@pytest.mark.parametrize("name", PURIFIERS)
def test_checkpointed_gradient_is_the_unchecked_one_in_a_fraction_of_the_memory(name):
    d, x = Smooth().requires_grad_(False), images(side=12)
    found = []
    for checkpoint in (False, True):
        kept: dict[int, int] = {}

        def pack(tensor, kept=kept):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        purifier = PURIFIERS[name](d, checkpoint=checkpoint)
        noise = purifier.sample_noise(x, torch.Generator().manual_seed(1))
        start = x.clone().requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            value = (purifier(start, noise) ** 2).sum()
        (gradient,) = torch.autograd.grad(value, start)
        found.append((value.detach(), gradient, sum(kept.values())))
    (value, gradient, whole), (same, checked, fraction) = found
    assert torch.equal(value, same)
    torch.testing.assert_close(checked, gradient, rtol=1e-8, atol=1e-8)
    assert gradient.abs().max() > 1e-3
    assert fraction < 0.35 * whole
    assert not isinstance(purifier.denoiser, Checkpointed)


@pytest.mark.parametrize("name", PURIFIERS)
def test_gradient_by_finite_differences(name):
    own = {"delta": 1e-2} if name == "adp" else {}
    purifier, x = PURIFIERS[name](Smooth(), **own), images(1, 3)
    noise = purifier.sample_noise(x, torch.Generator().manual_seed(1))
    assert torch.autograd.gradcheck(lambda x: purifier(x, noise), x.requires_grad_())


def test_adp_takes_the_step_at_which_a_linear_score_loses_its_share():
    """Of Gaussian data the score is -(x - m) / v: each step leaves (1 - lam) of the distance."""

    class Gaussian(Denoiser):
        def forward(self, x_t, t):
            ab = float(self.schedule.alpha_bar(t))
            v = ab * 0.5**2 + 1 - ab
            return 0.2 + ab**0.5 * 0.5**2 / v * (x_t - ab**0.5 * 0.2)

    purifier = ADP(Gaussian(Schedule.linear()), sigma=0.0, steps=3, lam=0.1, delta=1e-4)
    x = images()
    assert purifier.sample_noise(x) is None
    torch.testing.assert_close(purifier(x), 0.6 + 0.9**3 * (x - 0.6), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"level": 1000.0}, "level=1000 is no noise level of the diffusion"),
        ({"level": float("nan")}, "level, .* must be positive"),
        ({"sigma": float("nan")}, "sigma >= 0"),
        ({"lam": float("nan")}, "lam, .* must be positive"),
    ],
)
def test_adp_refuses_what_it_cannot_do(own, said):
    with pytest.raises(ValueError, match=said):
        ADP(Smooth(), **own)


def test_one_shot_of_noisy_images_adds_no_noise():
    d, x = Smooth(), images()
    sigma = float(d.schedule.sigma(100)) / 2
    noise = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    certified = OneShot(d, sigma, noisy=True)
    assert certified.sample_noise(x) is None
    with torch.no_grad():
        expected = OneShot(d, sigma)(x, noise[:, None])
        torch.testing.assert_close(certified(x + sigma * noise), expected)
    with pytest.raises(ValueError, match="no noise level"):
        OneShot(d, 1e-6)


def test_the_clamp_and_its_gradients():
    d, x = Smooth(), images()
    noise = DiffPure(d, 400, 200).sample_noise(x, torch.Generator().manual_seed(1))
    found = {}
    for clamp in ("off", "hard", "through"):
        start = x.clone().requires_grad_()
        value = DiffPure(d, 400, 200, clamp=clamp)(start, noise)
        found[clamp] = (value.detach(), torch.autograd.grad(value.sum(), start)[0])
    outside = (found["off"][0] < 0) | (found["off"][0] > 1)
    assert outside.any()
    torch.testing.assert_close(found["hard"][0], found["off"][0].clamp(0, 1))
    torch.testing.assert_close(found["through"][0], found["hard"][0])
    torch.testing.assert_close(found["through"][1], found["off"][1])
    assert not torch.allclose(found["hard"][1], found["off"][1])
    with pytest.raises(ValueError, match="clamp must be one of"):
        DDIMPurifier(d, clamp="soft")


def test_the_mixtures_purifier_agrees_with_a_numerical_reference():
    """The deterministic chain written out with the score by finite differences of the density."""
    mixture = Mixture.rings()
    denoiser = MixtureDenoiser(mixture)
    purifier = DDIMPurifier(denoiser, depth=5, skip=1)
    x = torch.rand(20, 1, 1, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noise = purifier.sample_noise(x, torch.Generator().manual_seed(1))
    found = purifier(x, noise).flatten(1)
    bars = [1 - 0.09 * t for t in range(11)]
    z = (bars[6] ** 0.5 * (2 * x - 1) + (1 - bars[6]) ** 0.5 * noise[:, 0]).flatten(1)
    for t in range(6, 0, -1):
        ab, before = bars[t], bars[t - 1]
        sigma = ((1 - ab) / ab) ** 0.5 / 2
        pixels = (z / ab**0.5 + 1) / 2
        h, score = 1e-5, torch.zeros_like(pixels)
        for axis in range(2):
            e = h * torch.eye(2, dtype=torch.float64)[axis]
            above, below = (mixture.log_density(pixels + s * e, sigma) for s in (1, -1))
            score[:, axis] = (above - below) / (2 * h)
        x0 = 2 * (pixels + sigma**2 * score) - 1
        eps = (z - ab**0.5 * x0) / (1 - ab) ** 0.5
        z = before**0.5 * x0 + (1 - before) ** 0.5 * eps
    torch.testing.assert_close(found, (z + 1) / 2, rtol=0, atol=1e-6)


def test_an_attack_through_a_purified_classifier_has_a_gradient():
    victim = Purified(DDIMPurifier(Smooth(), 140, 10), lambda x: x.flatten(1)[:, :4] * 5)
    objective = CrossEntropyObjective(victim, torch.tensor([0, 1, 2]), draws=4)
    _, gradient = value_and_gradient(objective, images(), torch.Generator().manual_seed(0))
    assert gradient.abs().amax((1, 2, 3)).min() > 0
