import pytest
import torch
from torch import Tensor, nn

from hardsight.detectors import GradientError, Wrapped, demand_gradient, gradient_agreement
from hardsight.detectors.adapters.double import double_precision

X = 0.2 + 0.6 * torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Smooth(nn.Module):
    """Two paths from the image to the score, of which one may be cut: their shares are known."""

    def __init__(self, cut: str = "") -> None:
        super().__init__()
        self.left = nn.Parameter(torch.randn(3, 16, 16, generator=seeded(2)))
        self.right = nn.Parameter(torch.randn(3, 16, 16, generator=seeded(3)))
        self.left.data[..., 8:] = 0  # the paths' gradients share no pixel: they are orthogonal
        self.right.data[..., :8] = 0
        self.cut = cut

    def forward(self, images: Tensor) -> Tensor:
        left = torch.tanh((images * self.left).flatten(1).sum(1) / 16)
        right = torch.tanh((images * self.right).flatten(1).sum(1) / 16)
        return left + (right.detach() if self.cut == "right" else right)


def test_an_honest_gradient_agrees():
    found = demand_gradient(Wrapped(Smooth(), 16), X, seeded())
    assert found.exact
    assert found.dtype == torch.float64
    assert found.reached == 1
    torch.testing.assert_close(found.slopes, found.differences, rtol=1e-6, atol=0)


def test_slopes_are_those_of_the_closed_form():
    w = torch.randn(3, 16, 16, generator=seeded(), dtype=torch.float64)
    linear = Wrapped(lambda images: (images * w).sum((1, 2, 3)), 16)
    found = gradient_agreement(linear, X.double(), seeded())
    torch.testing.assert_close(found.slopes, w.norm().expand(2))
    torch.testing.assert_close(found.differences, w.norm().expand(2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_missing_part_is_found_though_the_rest_agrees_along_itself(dtype):
    """The cut path is orthogonal to the other: only random directions can tell."""
    detector = Wrapped(Smooth("right"), 16).to(dtype)
    found = gradient_agreement(detector, X.to(dtype), seeded(), directions=60)
    assert found.along < 0.01
    assert not found.exact
    whole = Smooth().to(dtype)
    x = X.to(dtype).requires_grad_(True)
    (true,) = torch.autograd.grad(whole(x).sum(), x)
    left, right = true[..., :8].flatten(1).norm(dim=1), true[..., 8:].flatten(1).norm(dim=1)
    assert found.missing == pytest.approx(float((right / left).max()), rel=0.3)
    assert found.reached == pytest.approx(0.5)
    with pytest.raises(GradientError, match="lacks"):
        demand_gradient(detector.float(), X, seeded())


@pytest.mark.parametrize(
    ("masked", "reason"),
    [
        (lambda x: x.detach().mean((1, 2, 3)), "no gradient reaches"),
        (lambda x: (50 * x.sum((1, 2, 3))).sigmoid(), "zero on every pixel"),
        (lambda x: x + (x.mul(20).round() / 20 - x).detach(), "finite differences"),
        (lambda x: x.sqrt() * (x - x).sqrt(), "not finite"),
    ],
    ids=["detached", "saturated", "straight-through", "not finite"],
)
def test_masked_gradients_are_refused_with_the_reason(masked, reason):
    def score(images: Tensor) -> Tensor:
        value = masked(images)
        return value if value.ndim == 1 else value.square().sum((1, 2, 3))

    with pytest.raises(GradientError, match=reason):
        demand_gradient(Wrapped(score, 16), X, seeded())


def test_fixed_noise_makes_a_random_detector_comparable(make_advrad):
    assert demand_gradient(make_advrad(), X, seeded()).exact


def test_code_of_its_own_in_single_precision_is_compared_in_it():
    class Single(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Smooth()

        def forward(self, images: Tensor) -> Tensor:
            kernel = torch.ones(1, 3, 1, 1, dtype=torch.float32)
            return torch.conv2d(images, kernel).square().mean((1, 2, 3)) + self.inner(images)

    found = demand_gradient(Wrapped(Single(), 16), X, seeded())
    assert found.dtype == torch.float32
    assert found.exact


def test_double_precision_gives_everything_back():
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2))
    module(X).sum().backward()
    module.eval()
    before = {k: (v, v.clone()) for k, v in module.state_dict(keep_vars=True).items()}
    gradient = module[0].weight.grad
    with double_precision(module):
        assert module(X.double()).dtype == torch.float64
        assert torch.zeros(1).dtype == torch.float64
        assert torch.zeros(1, dtype=torch.float32).dtype == torch.float32
        assert torch.arange(3).dtype == torch.int64
    assert torch.zeros(1).dtype == torch.float32
    assert module[0].weight.grad is gradient
    for name, (tensor, value) in before.items():
        assert module.state_dict(keep_vars=True)[name] is tensor
        assert torch.equal(tensor, value)


def test_half_precision_is_refused():
    with pytest.raises(TypeError, match="float32 or float64"):
        gradient_agreement(Wrapped(Smooth(), 16), X.half())
