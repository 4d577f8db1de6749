import pytest
import torch
from scipy import stats

from hardsight.detectors.patchguard.dropout import QuickDropout


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("p", [0.01, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_rate_is_p_and_the_rest_is_scaled(p, dtype):
    x = torch.ones(3, 101, 67, dtype=dtype)
    found = QuickDropout(p)(x)
    assert found.dtype == dtype
    kept = found != 0
    assert stats.binomtest(int(kept.sum()), kept.numel(), 1 - p).pvalue > 1e-4
    torch.testing.assert_close(
        found[kept], torch.full_like(found[kept], 1 / (1 - p)), rtol=1e-2, atol=0
    )


def test_the_decisions_are_independent():
    """The four of one number, and those of neighbours: each joint count is binomial."""
    kept = QuickDropout(0.2)(torch.ones(400_000)) != 0
    for apart in (1, 2, 3, 4, 5):
        both = (kept[:-apart] & kept[apart:])[:: apart + 1]
        assert stats.binomtest(int(both.sum()), len(both), 0.64).pvalue > 1e-4


def test_the_gradient_is_what_was_kept():
    x = torch.rand(7, 9, dtype=torch.float64, requires_grad=True)
    found = QuickDropout(0.4)(x)
    found.sum().backward()
    torch.testing.assert_close(x.grad, found.detach() / x.detach())


def test_a_seed_decides_and_evaluation_changes_nothing():
    layer, x = QuickDropout(0.3), torch.rand(5, 5)
    torch.manual_seed(3)
    first = layer(x)
    torch.manual_seed(3)
    assert torch.equal(first, layer(x))
    assert not torch.equal(first, layer(x))
    assert torch.equal(layer.eval()(x), x)


@pytest.mark.parametrize(("p", "left"), [(0.0, 1.0), (1.0, 0.0)])
def test_all_or_nothing(p, left):
    assert torch.equal(QuickDropout(p)(torch.ones(6)), torch.full((6,), left))


def test_a_rate_next_to_one_leaves_finite_numbers():
    assert QuickDropout(1 - 1e-9)(torch.ones(100_000)).isfinite().all()
