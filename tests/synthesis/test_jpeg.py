import io

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.synthesis.jpeg import jpeg


def photograph(size: int = 64) -> torch.Tensor:
    """Smooth colours, an edge and a little grain."""
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    image = torch.stack((x, y, (x + y) / 2))
    image[:, size // 3 : size // 2, size // 4 :] *= 0.4
    g = torch.Generator().manual_seed(0)
    return (image + 0.03 * torch.randn(image.shape, generator=g)).clamp(0, 1)


def by_pillow(image: torch.Tensor, quality: int) -> torch.Tensor:
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=2)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float() / 255


@pytest.mark.parametrize("quality", [5, 20, 50, 90])
def test_the_loss_is_that_of_libjpeg(quality):
    image = photograph()
    ours = jpeg(image[None], torch.tensor([float(quality)]))[0]
    theirs = by_pillow(image, quality)
    apart, lost = (ours - theirs).abs().mean(), (theirs - image).abs().mean()
    assert apart < 0.25 * lost + 1 / 255


def test_each_image_has_its_own_quality_and_sides_need_no_multiple_of_16():
    images = photograph().expand(2, -1, -1, -1)[:, :, :50, :37]
    both = jpeg(images, torch.tensor([5.0, 90.0]))
    assert both.shape == images.shape
    torch.testing.assert_close(both[1:], jpeg(images[1:], torch.tensor([90.0])))
    lost = (both - images).abs().mean((1, 2, 3))
    assert lost[0] > 2 * lost[1]


def test_wrong_shapes_are_explained():
    with pytest.raises(ValueError, match="images must be"):
        jpeg(torch.rand(3, 16, 16), torch.ones(1))
    with pytest.raises(ValueError, match="quality must be"):
        jpeg(torch.rand(2, 3, 16, 16), torch.ones(1))
