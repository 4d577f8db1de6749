import pytest
import torch
from torch import nn

from hardsight.detectors.patchguard.embedding import PatchProjection


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kernel", [(4, 4), (2, 3)])
def test_it_is_the_convolution_with_its_gradients(kernel, bias):
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 5, kernel, kernel, bias=bias).double()
    ours = PatchProjection.of(plain).double()
    grown = []
    for layer in (plain, ours):
        x = torch.rand(2, 3, 12, 24, generator=torch.Generator().manual_seed(1)).double()
        x.requires_grad_(True)
        y = layer(x)
        (y**3).sum().backward()
        grown.append([y.detach(), x.grad, *(p.grad for p in layer.parameters())])
    assert ours.state_dict().keys() == plain.state_dict().keys()
    for a, b in zip(*grown, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("wrong", [{"stride": 2}, {"stride": 4, "padding": 1}])
def test_other_convolutions_are_refused(wrong):
    with pytest.raises(ValueError, match="stride"):
        PatchProjection.of(nn.Conv2d(3, 5, 4, **wrong))
