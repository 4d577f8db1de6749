import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from hardsight.synthesis.blur import gaussian_blur

IMAGES = torch.rand(2, 3, 40, 31, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("sigma", "reach"), [(1.0, 3), (3.0, 8), (torch.tensor([0.5, 2.5]), 9), (0.4, 50)]
)
def test_it_is_scipys_gaussian(sigma: float | torch.Tensor, reach: int) -> None:
    found = gaussian_blur(IMAGES, sigma, reach)
    for image, result, width in zip(
        IMAGES, found, torch.as_tensor(sigma).expand(2).tolist(), strict=True
    ):
        for channel, ours in zip(image, result, strict=True):
            theirs = gaussian_filter(channel.numpy(), width, mode="nearest", radius=reach)
            np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)


def test_no_image_depends_on_the_others() -> None:
    whole = gaussian_blur(IMAGES, torch.tensor([0.5, 2.5]), 9)
    torch.testing.assert_close(whole[1:], gaussian_blur(IMAGES[1:], 2.5, 9))
