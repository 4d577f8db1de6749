import pytest
import torch

from hardsight.detectors.advrad.maps import aggregate, multiscale_error, relate, top_count


def test_multiscale_error_by_hand():
    """A constant difference d gives d^2 at every scale; a checkerboard vanishes at coarser ones."""
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(multiscale_error(x, x - 0.5), torch.full_like(x[:, :1], 0.25))
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    board = (1.0 - 2.0 * ((rows + columns) % 2)).double()
    error = multiscale_error(x + board, x)
    torch.testing.assert_close(error, torch.full_like(x[:, :1], 1 / 4))  # one scale of four sees it


def test_multiscale_error_averages_channels_before_scales():
    x, r = torch.rand(2, 2, 3, 16, 16, dtype=torch.float64)
    by_hand = torch.zeros(2, 1, 16, 16, dtype=torch.float64)
    for s in (1, 2, 4, 8):
        small = [
            torch.stack(
                [
                    i[..., a : a + s, b : b + s].mean((-1, -2))
                    for a in range(0, 16, s)
                    for b in range(0, 16, s)
                ],
                dim=-1,
            ).view(2, 3, 16 // s, 16 // s)
            for i in (x, r)
        ]
        error = ((small[0] - small[1]) ** 2).mean(1, keepdim=True)
        by_hand += torch.nn.functional.interpolate(error, size=(16, 16), mode="bilinear") / 4
    torch.testing.assert_close(multiscale_error(x, r), by_hand)


def test_a_margin_discounts_what_is_below_it():
    """A constant difference d counts d^4 / (d^2 + m^2) at every scale."""
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    for d, m in ((0.5, 0.1), (0.1, 0.5), (0.3, 0.3)):
        expected = torch.full_like(x[:, :1], d**4 / (d**2 + m**2))
        torch.testing.assert_close(multiscale_error(x, x - d, margin=m), expected)
    large = multiscale_error(x, x - 0.9, margin=0.01)
    torch.testing.assert_close(large, torch.full_like(large, 0.81 - 0.0001), rtol=0, atol=1e-7)


def test_a_margin_hides_no_gradient_and_has_one_at_no_difference():
    x = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    moved = (x - 1e-3).requires_grad_()
    (slope,) = torch.autograd.grad(multiscale_error(x, moved, margin=0.5).sum(), moved)
    assert (slope < 0).all()
    same = x.clone().requires_grad_()
    (flat,) = torch.autograd.grad(multiscale_error(x, same, margin=0.5).sum(), same)
    assert (flat == 0).all()


def test_sizes_the_scales_do_not_divide_are_named():
    with pytest.raises(ValueError, match=r"\(12, 12\) must be divisible"):
        multiscale_error(torch.rand(1, 3, 12, 12), torch.rand(1, 3, 12, 12))


def test_relate():
    m, mean, spread = torch.rand(3, 1, 1, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(relate(m, mean, spread, "error"), m)
    torch.testing.assert_close(relate(m, mean, spread, "deviation"), (m - mean).abs())
    expected = (m - mean).abs() / (spread + 0.3 * spread.mean())
    torch.testing.assert_close(relate(m, mean, spread, "standardised"), expected)
    with pytest.raises(ValueError, match="reference='zscore'"):
        relate(m, mean, spread, "zscore")


def test_what_never_varies_divides_no_deviation_by_nothing():
    mean, spread = torch.full((1, 1, 4, 4), 0.1), torch.zeros(1, 1, 4, 4)
    found = relate(torch.cat([mean, mean + 0.1]), mean, spread, "standardised")
    assert (found[0] == 0).all()
    assert (found[1] > 1e15).all()
    assert found.isfinite().all()


def test_aggregate_against_sorting():
    m = torch.rand(3, 1, 20, 20)
    ordered = m.flatten(1).sort(1, descending=True).values
    torch.testing.assert_close(aggregate(m, "max"), ordered[:, 0])
    torch.testing.assert_close(aggregate(m, "mean"), ordered.mean(1))
    torch.testing.assert_close(aggregate(m, "top:0.1"), ordered[:, :40].mean(1))
    assert top_count("top:1e-9", 400) == 1


@pytest.mark.parametrize("wrong", ["top", "top:0", "top:1.5", "median", "top:x", "TOP:0.1:2"])
def test_unknown_aggregations_are_named(wrong):
    with pytest.raises(ValueError, match="aggregation="):
        top_count(wrong, 100)
