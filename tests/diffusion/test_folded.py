import pytest
import torch
from diffusers import UNet2DModel
from torch.nn import functional

from hardsight.diffusion.folded import apply_folded, small_unet


def test_it_is_diffusers_network_on_the_folded_image():
    torch.manual_seed(0)
    unet = small_unet(16, 3, 8, (1, 2), 2)
    plain = UNet2DModel(
        sample_size=8,
        in_channels=12,
        out_channels=12,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        norm_num_groups=8,
        attention_head_dim=8,
    )
    plain.load_state_dict(unet.state_dict())
    x, t = torch.rand(2, 3, 16, 16), torch.tensor([3.0, 40.0])
    expected = functional.pixel_shuffle(plain(functional.pixel_unshuffle(x, 2), t).sample, 2)
    torch.testing.assert_close(apply_folded(unet, x, t, 2), expected, rtol=1e-4, atol=1e-5)


def test_the_answer_has_the_dtype_of_the_image():
    unet = small_unet(8, 1, 8, (1,), 1)
    with torch.autocast("cpu", torch.bfloat16):
        assert apply_folded(unet, torch.rand(1, 1, 8, 8), torch.ones(1), 1).dtype == torch.float32


@pytest.mark.parametrize(
    ("size", "advice"), [(20, "choose 16"), (4, "choose 8"), (30, "choose 32")]
)
def test_a_size_that_cannot_be_folded_is_refused_with_one_that_can(size, advice):
    with pytest.raises(ValueError, match=advice):
        small_unet(size, 3, 8, (1, 2), 4)
