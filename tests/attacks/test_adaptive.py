import pytest
import torch
from torch import Tensor, nn

from hardsight.attacks import A3, L2, PGD, DecisionObjective, Linf, Square
from hardsight.core.types import Detection

G = torch.Generator


class Hills:
    """A low hill at the image, a high and narrow one towards (1, 1); two outputs, the place."""

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels
        self.sizes: list[int] = []

    def outputs(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return images.flatten(1) - 0.5

    def take(self, index: Tensor) -> "Hills":
        part = Hills(self.labels[index])
        part.sizes = self.sizes
        return part

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        assert len(images) == len(self.labels)
        self.sizes.append(len(images))
        o = self.outputs(images)
        near = 0.3 * torch.exp(-o.square().sum(1) / 0.02) - 0.4
        far = 1.5 * torch.exp(-(o - 0.18).square().sum(1) / 0.004) - 0.4
        return torch.maximum(near, far)


class Linear:
    """s(x) = w . x - b of each image; its offsets are told apart by take."""

    def __init__(self, w: Tensor, b: Tensor) -> None:
        self.w, self.b = w, b

    def take(self, index: Tensor) -> "Linear":
        return Linear(self.w, self.b[index])

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return (images * self.w).flatten(1).sum(1) - self.b


@pytest.mark.parametrize(("ball", "norm"), [(Linf(0.05), 1), (L2(0.2), 2)])
def test_linear_victims_are_beaten_to_the_closed_form(ball, norm):
    x = torch.full((6, 1, 5, 5), 0.5, dtype=torch.float64)
    w = torch.randn(1, 5, 5, generator=G().manual_seed(0), dtype=torch.float64)
    victim = Linear(w, torch.linspace(-1, 1, 6, dtype=torch.float64))
    result = A3(PGD(ball, steps=30, step_size=ball.eps / 4))(victim, x, G().manual_seed(0))
    gain = victim(result.images) - victim(x)
    assert torch.all(gain >= 0.999 * ball.eps * w.norm(norm))
    assert torch.all(ball.distance(result.images, x) <= ball.eps + 1e-12)
    torch.testing.assert_close(result.objective, victim(result.images).float())


def test_directions_that_fooled_are_taken_again():
    """Random starts rarely find the far hill; what one image learns, the others use."""
    x = torch.full((12, 1, 1, 2), 0.5, dtype=torch.float64)
    attack = PGD(Linf(0.2), steps=6, step_size=0.02, random_start=False)
    shares = {}
    for name, learner in (
        ("adaptive", A3(attack, restarts=3, discard=0.0)),
        ("blind", A3(attack, restarts=3, discard=0.0, warmup=0)),
        ("plain", attack),
    ):
        found = learner(Hills(torch.zeros(12)), x, G().manual_seed(0))
        shares[name] = float((found.objective > 0).float().mean())
    assert shares["plain"] == 0
    assert shares["adaptive"] == 1
    assert shares["blind"] < 1


def test_the_settled_are_dropped_and_the_rest_gets_their_steps():
    """Of eight images with known distances from the boundary, the nearest stay."""
    x = torch.full((8, 1, 2, 2), 0.5, dtype=torch.float64)
    kept = []

    class Watched(Linear):
        def take(self, index: Tensor) -> "Watched":
            kept.append(index.tolist())
            return Watched(self.w, self.b[index])

    b = torch.tensor([5.0, 0.3, -9.0, 0.1, -0.2, 7.0, -6.0, 0.0], dtype=torch.float64)
    w = torch.full((1, 2, 2), 1e-3, dtype=torch.float64)
    victim = Watched(w, b)
    result = A3(PGD(Linf(0.1), steps=4), restarts=3, discard=0.5)(victim, x, G().manual_seed(0))
    assert kept == [[1, 3, 4, 7], [3, 7]]
    # four, eight and sixteen steps and one judgement each, of 8, 4 and 2 images
    assert result.queries == -(-(8 * 5 + 4 * 9 + 2 * 17) // 8)


@pytest.mark.parametrize(("count", "discard", "left"), [(10, 0.7, 3), (25, 0.6, 10), (2, 0.9, 1)])
def test_a_share_is_dropped_as_if_it_were_exact(count, discard, left):
    """10 * (1 - 0.7) is 3.0000000000000004 in floats, and somebody is always left."""
    x, hills = torch.full((count, 1, 1, 2), 0.5, dtype=torch.float64), Hills(torch.zeros(count))
    attack = A3(PGD(Linf(0.2), steps=10), restarts=12, discard=discard, warmup=0)
    attack(hills, x, G().manual_seed(0))
    assert list(dict.fromkeys(hills.sizes))[:2] == [count, left]
    assert hills.sizes[-1] == 1


def test_image_steps_are_the_same_every_round():
    x = torch.full((8, 1, 1, 2), 0.5, dtype=torch.float64)
    hills = Hills(torch.zeros(8))
    A3(PGD(Linf(0.2), steps=10), restarts=3, discard=0.5, warmup=0)(hills, x, G().manual_seed(0))
    assert hills.sizes == [8] * 11 + [4] * 21 + [2] * 41


def test_a_restart_spends_its_warm_up_and_its_attack_and_nothing_else():
    passes = []

    class Counted(Hills):
        def outputs(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
            passes.append(len(images))
            return super().outputs(images)

    x = torch.full((4, 1, 1, 2), 0.5, dtype=torch.float64)
    attack = A3(PGD(Linf(0.2), steps=6), restarts=3, discard=0.0, warmup=2)
    found = attack(Counted(torch.zeros(4)), x, G().manual_seed(0))
    assert len(passes) == found.queries == attack.evaluations == 3 * (2 + 6 + 1)


def test_a_start_replaces_the_first():
    x = torch.full((2, 1, 1, 2), 0.5, dtype=torch.float64)
    attack = A3(PGD(Linf(0.2), steps=8, step_size=0.01), restarts=1)
    found = attack(Hills(torch.zeros(2)), x, G().manual_seed(0), start=x + 0.15)
    assert torch.all(found.objective > 1)


def test_same_generator_same_images():
    x = torch.full((4, 1, 1, 2), 0.5, dtype=torch.float64)
    runs = [
        A3(PGD(Linf(0.2), steps=3))(Hills(torch.zeros(4)), x, G().manual_seed(5)).images
        for _ in range(2)
    ]
    assert torch.equal(*runs)


def test_what_cannot_be_is_refused():
    x = torch.full((2, 1, 1, 2), 0.5)
    with pytest.raises(ValueError, match="discard=0"):
        A3(PGD(Linf(0.1)))(lambda images, generator=None: images.flatten(1).sum(1), x)
    with pytest.raises(ValueError, match="restarts"):
        A3(PGD(Linf(0.1)), restarts=0)
    with pytest.raises(ValueError, match="discard"):
        A3(PGD(Linf(0.1)), discard=1.0)
    with pytest.raises(ValueError, match="no steps"):
        A3(Square(Linf(0.1)))


def test_a_warm_up_takes_no_more_draws_a_pass_than_the_attack():
    """Of 20 draws of four images that five fill a pass of, and along one direction."""
    x, rows = torch.full((4, 3, 64, 64), 0.5), []

    class Noisy(nn.Module):
        def sample_noise(self, images, generator=None):
            return torch.randn(len(images), 1, 1, 1, generator=generator)

        def forward(self, images, noise):
            if images.requires_grad:
                rows.append(len(images))
            return Detection((images + noise).mean((1, 2, 3)), images.mean(1, True) + noise)

    objective = DecisionObjective(Noisy(), [0, 1, 0, 1], 0.5, draws=20)
    A3(PGD(Linf(0.01), steps=1), restarts=1, warmup=1)(objective, x, G().manual_seed(0))
    assert rows == [20] * 8
