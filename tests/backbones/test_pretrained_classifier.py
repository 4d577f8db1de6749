"""A whole classifier beside timm's, and refusals."""

import pytest
import timm
import torch

from hardsight.backbones import BackboneError, PretrainedClassifier


@pytest.mark.parametrize(
    ("name", "weights", "mean", "std", "block"),
    [
        ("tf_efficientnet_lite0", "bundled", (127 / 255,) * 3, (128 / 255,) * 3, "blocks.6"),
        ("resnet18", "random", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "layer4"),
    ],
)
def test_images_are_normalised_as_in_training(name, weights, mean, std, block):
    state = torch.get_rng_state()
    found = PretrainedClassifier(name, weights)
    assert torch.equal(torch.get_rng_state(), state)
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    plain = timm.create_model(name, pretrained=False).eval()
    plain.load_state_dict(found.network.state_dict())
    centre, spread = (torch.tensor(v).view(3, 1, 1) for v in (mean, std))
    torch.testing.assert_close(found(x), plain((x - centre) / spread), rtol=1e-4, atol=1e-4)
    assert found.last_block is found.network.get_submodule(block)
    assert not found.training


def test_what_cannot_be_built_is_refused(tmp_path):
    with pytest.raises(BackboneError, match="name='resnot'"):
        PretrainedClassifier("resnot")
    features = {"conv1.weight": torch.zeros(64, 3, 7, 7)}
    torch.save(features, tmp_path / "part.pth")
    with pytest.raises(BackboneError, match="of another network"):
        PretrainedClassifier("resnet18", str(tmp_path / "part.pth"))
