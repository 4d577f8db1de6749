import copy

import pytest
import torch
from gaussian_mixture import Mixture, MixtureDenoiser, even_schedule
from torch import nn

from hardsight.attacks import ClassVictim, CrossEntropyObjective, MarginObjective, build_suite
from hardsight.certify import certify_vote, count_votes
from hardsight.evaluation import Terms, certify_classifier
from hardsight.purifiers import OneShot, Purified, Purifier

X = torch.rand(4, 1, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.tensor([0, 1, 2, 1])


class Shift(Purifier):
    """Adds noise to each pixel, and halves it."""

    def forward(self, images, noise=None):
        return self.limited((images + (self.sample_noise(images) if noise is None else noise)) / 2)

    def sample_noise(self, images, generator=None):
        return torch.randn(images.shape, generator=generator, dtype=images.dtype)


class Plain(Purifier):
    def forward(self, images, noise=None):
        return images**2


def classify(x):
    return x.flatten(1)[:, :3] * 4


def noise_of(model, seed=1):
    return model.sample_noise(X, torch.Generator().manual_seed(seed))


def test_each_draw_is_purified_and_their_logits_averaged():
    model = Purified(Shift(), classify, draws=5)
    noise = noise_of(model)
    assert noise.shape == (4, 5, 1, 3, 3)
    expected = torch.stack([classify((X + noise[:, d]) / 2) for d in range(5)]).mean(0)
    torch.testing.assert_close(model(X, noise), expected)


def test_the_vote_counts_and_breaks_ties_by_probability():
    model = Purified(Shift(), classify, draws=6, combine="vote")
    noise = noise_of(model)
    found = model(X, noise)
    each = torch.stack([classify((X + noise[:, d]) / 2) for d in range(6)])
    for b in range(len(X)):
        counts = torch.bincount(each[:, b].argmax(1), minlength=3)
        probability = each[:, b].softmax(1).mean(0)
        best = max(range(3), key=lambda k: (int(counts[k]), float(probability[k])))
        assert int(found[b].argmax()) == best
    start = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(start, noise)[:, 0].sum(), start)
    assert gradient.abs().max() > 1e-3  # that of the mean probability


def test_a_purifier_without_noise():
    model = Purified(Plain(), classify, draws=3)
    assert model.sample_noise(X) is None
    torch.testing.assert_close(model(X), classify(X**2))


def test_draws_of_the_model_count_as_draws_of_the_attack():
    model = Purified(Shift(), classify, draws=4)
    assert CrossEntropyObjective(model, LABELS, draws=8).repeats == 2
    objective = MarginObjective(model, LABELS, noise=noise_of(model))
    assert torch.equal(objective(X), objective(X))


def test_a_bpda_goes_round_the_purifier_and_leaves_its_noise():
    model = Purified(Shift(), classify, draws=2)
    suite = build_suite("bpda-eot", eps=0.1, steps=3, draws=2, objectives=("ce",))
    found = suite(ClassVictim(model, LABELS), X, torch.Generator().manual_seed(0))
    assert (found.images - X).abs().max() == pytest.approx(0.1)
    assert isinstance(model.purifier, Shift)


def test_copies_and_settings():
    model = Purified(Shift(), nn.Flatten(), draws=2)
    twin = copy.deepcopy(model)
    noise = noise_of(model)
    torch.testing.assert_close(twin(X, noise), model(X, noise))
    assert torch.equal(noise_of(twin), noise)
    assert model.settings["draws"] == 2
    with pytest.raises(ValueError, match="combine must be"):
        Purified(Shift(), classify, combine="max")
    with pytest.raises(ValueError, match="draws must be"):
        Purified(Shift(), classify, draws=0)


def test_one_shot_purification_carries_a_certificate():
    """The noise of the certificate is the diffusion's (Carlini et al., 2023, Algorithm 1)."""
    mixture, sigma = Mixture.rings(), 0.05
    schedule = even_schedule(10, 1 / (1 + 4 * sigma**2))
    purifier = OneShot(MixtureDenoiser(mixture, schedule), sigma, noisy=True)

    def nearest(x):
        return mixture.classify(x.flatten(1))

    points, labels = mixture.sample(20, torch.Generator().manual_seed(0))
    found = certify_classifier(
        Purified(purifier, nearest),
        points.view(-1, 1, 1, 2),
        labels,
        Terms(sigma, 300, radii=(0.0, 0.04, 0.12)),
    )
    certified = [p.accuracy for p in found.rows]
    assert certified[0] >= certified[1] > 0.8
    assert certified[2] == 0  # the groups are 0.214 apart: no radius of 0.12 is safe


def test_any_purifier_can_be_voted_on():
    model = Purified(Plain(), lambda x: x.flatten(1)[:, :2])
    image = torch.tensor([1.0, 0.0]).view(1, 1, 2)
    generator = torch.Generator().manual_seed(0)
    proposing, judging = (
        count_votes(lambda x, _: model(x), image, n, 0.25, generator) for n in (100, 500)
    )
    vote = certify_vote(proposing, judging, 0.25, 0.01)
    assert vote.label == 0
    assert vote.radius > 0.3


def test_the_purifier_computes_in_the_precision_given_and_the_classifier_in_single():
    class Convolved(Purifier):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(1, 1, 1)

        def forward(self, images, noise=None):
            return self.layer(images)

    seen = []

    def classifier(x):
        seen.append(x.dtype)
        return nn.functional.linear(x.flatten(1), torch.ones(2, 9))

    purifier, x = Convolved(), X.float()
    exact, low = (Purified(purifier, classifier, precision=p)(x) for p in ("fp32", "bf16"))
    assert seen == [torch.float32] * 2
    assert 0 < (exact - low).abs().max() < 2**-7 * exact.abs().max()


def test_an_unknown_precision_is_an_error():
    with pytest.raises(ValueError, match='precision must be "auto", "bf16" or "fp32"'):
        Purified(Plain(), classify, precision="half")(X)
