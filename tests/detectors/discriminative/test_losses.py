import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from hardsight.detectors.discriminative.losses import focal_loss
from hardsight.synthesis.similarity import ssim


def test_focal_loss_is_its_formula():
    g = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 1, 5, 4, generator=g, dtype=torch.float64)
    masks = torch.rand(2, 1, 5, 4, generator=g) < 0.4
    for gamma in (0.0, 1.0, 2.0):
        p = 1 / (1 + np.exp(-logits.numpy()))
        truth = np.where(masks.numpy(), p, 1 - p)
        by_hand = (-((1 - truth) ** gamma) * np.log(truth)).mean((1, 2, 3))
        np.testing.assert_allclose(focal_loss(logits, masks, gamma).numpy(), by_hand, rtol=1e-10)


def test_focal_loss_has_a_gradient_where_a_pixel_is_surely_wrong():
    logits = torch.tensor([60.0, -60.0]).view(2, 1, 1, 1).requires_grad_()
    masks = torch.tensor([False, True]).view(2, 1, 1, 1)
    loss = focal_loss(logits, masks)
    assert loss.tolist() == pytest.approx([60.0, 60.0])
    (found,) = torch.autograd.grad(loss.sum(), logits)
    assert found.flatten().tolist() == pytest.approx([1.0, -1.0])


@pytest.mark.parametrize("side", [11, 24])
def test_ssim_is_that_of_scikit_image(side):
    g = torch.Generator().manual_seed(1)
    x = torch.rand(2, 3, side, side, generator=g, dtype=torch.float64)
    y = (x + 0.2 * torch.randn(x.shape, generator=g, dtype=torch.float64)).clamp(0, 1)
    theirs = [
        structural_similarity(
            a.numpy(), b.numpy(), channel_axis=0, data_range=1.0, gaussian_weights=True,
            sigma=1.5, use_sample_covariance=False,
        )
        for a, b in zip(x, y, strict=True)
    ]  # fmt: skip
    np.testing.assert_allclose(ssim(x, y).numpy(), theirs, rtol=1e-10)
    torch.testing.assert_close(ssim(x, x), torch.ones(2, dtype=torch.float64))
