import pytest
import torch
from scipy.ndimage import uniform_filter

from hardsight.attacks import value_and_gradient
from hardsight.core.modules import seeded
from hardsight.data import Tiles
from hardsight.detectors.advrad.map_head import FLOOR, MARGIN, MapHead
from hardsight.detectors.advrad.maps import multiscale_error

SMALL = {"channels": 8, "multipliers": (1, 1), "patch": 2}


def pair(side: int = 16, dtype: torch.dtype = torch.float32):
    """Images and reconstructions of them."""
    g = torch.Generator().manual_seed(0)
    return (torch.rand(2, 3, side, side, generator=g, dtype=dtype) for _ in range(2))


def trained(side: int = 16) -> MapHead:
    """A head whose last layer is not zero any more, and whose reference is none."""
    with seeded(1):
        head = MapHead(side, **SMALL).eval()
        torch.nn.init.normal_(head.unet.conv_out.weight, std=0.3)
    g = torch.Generator().manual_seed(2)
    head.fit_reference(torch.randn(8, 1, side // 2, side // 2, generator=g))
    return head


def test_before_any_training_the_logits_are_those_of_the_error():
    """Written out with SciPy: the mean over cells and their neighbours, zero beyond the edge."""
    head, (x, r) = MapHead(16, **SMALL).eval(), pair()
    normal = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    head.fit_reference(normal)
    logits = head(x, r).detach()
    for i in range(2):
        error = multiscale_error(x, r, margin=MARGIN)[i, 0].double()
        cells = error.view(8, 2, 8, 2).mean((1, 3)).numpy()
        logs = torch.from_numpy(uniform_filter(cells, 3, mode="constant") + FLOOR).log()
        z = (logs - normal.double().mean()) / normal.double().std()
        torch.testing.assert_close(logits[i, 0], (z - 4).float(), atol=1e-4, rtol=1e-4)


def test_the_gradient_is_that_of_finite_differences():
    head, (x, r) = trained().double(), pair(dtype=torch.float64)

    def total(images, generator=None):
        return head.maps(images, r).flatten(1).sum(1)

    _, gradient = value_and_gradient(total, x)
    with torch.no_grad():
        for place in ((0, 1, 3, 5), (1, 2, 15, 0)):
            step = torch.zeros_like(x)
            step[place] = 1e-6
            slope = (total(x + step) - total(x - step))[place[0]] / 2e-6
            assert float(gradient[place]) == pytest.approx(float(slope), rel=1e-4)


def test_maps_of_tiles_are_blended_and_a_single_tile_changes_nothing():
    head, (x, r) = trained(), pair(24)
    tiles = Tiles((24, 24), (16, 16), 0.25)
    each = torch.cat(
        [head.maps(a, b) for a, b in zip(tiles.cut(x).split(1), tiles.cut(r).split(1), strict=True)]
    )
    torch.testing.assert_close(head.maps(x, r, tiles), tiles.join(each))
    x, r = pair()
    whole = head.maps(x, r)
    assert whole.shape == (2, 1, 16, 16)
    torch.testing.assert_close(head.maps(x, r, Tiles((16, 16), (16, 16))), whole)


def test_blank_images_leave_logits_that_can_be_trained():
    """Their errors are equal but for rounding: a defect was a million spreads away."""
    head, blank = MapHead(16, **SMALL), torch.full((4, 3, 16, 16), 0.5)
    head.fit_reference(head.log_error(blank, blank + 1e-3 * torch.randn(4, 3, 16, 16)))
    assert head(blank, blank + 0.3).abs().max() < 100
