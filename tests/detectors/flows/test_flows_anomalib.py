"""Against anomalib's FastFlow and CFlow of the same weights; skipped without the extra."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")

from anomalib.models.image.cflow.torch_model import CflowModel
from anomalib.models.image.fastflow.loss import FastflowLoss
from anomalib.models.image.fastflow.torch_model import FastflowModel

from hardsight.detectors import CFlow, FastFlow
from hardsight.detectors.flows import Coupling

SIZE, TAPS = 64, [1, 2, 3]
IMAGES = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def small(kind, **arguments):
    backbone = {"name": "resnet18", "weights": "random", "taps": TAPS}
    return kind(backbone, SIZE, blocks=2, sigma=0, precision="fp32", **arguments).eval()


def take_over(block: Coupling, theirs: nn.Module) -> None:
    """Copy the weights of anomalib's AllInOneBlock, of maps or of vectors."""
    for name, layer in (("first", theirs.subnet[0]), ("last", theirs.subnet[2])):
        mine = getattr(block, name)
        mine.weight.data.copy_(layer.weight.data.view_as(mine.weight))
        mine.bias.data.copy_(layer.bias.data)
    scale = theirs.global_scale_activation(theirs.global_scale.data).log()
    block.norm.log_scale.data.copy_(scale.view_as(block.norm.log_scale))
    block.norm.offset.data.copy_(theirs.global_offset.data.view_as(block.norm.offset))
    block.order.copy_(theirs.w_perm.data.flatten(1).argmax(1))


def shaken(module: nn.Module) -> None:
    generator = torch.Generator().manual_seed(1)
    for weights in module.parameters():
        if weights.requires_grad:
            weights.data += 0.2 * torch.randn(weights.shape, generator=generator)


def test_fastflow_agrees():
    theirs = FastflowModel((SIZE, SIZE), "resnet18", pre_trained=False, flow_steps=2).eval()
    shaken(theirs.fast_flow_blocks)
    mine = small(FastFlow)
    mine.backbone.network.load_state_dict(theirs.feature_extractor.state_dict())
    for flow, blocks in zip(mine.density.flows, theirs.fast_flow_blocks, strict=True):
        for block, other in zip(flow.blocks, blocks.module_list, strict=True):
            take_over(block, other)
    x = (IMAGES - mine.backbone.mean) / mine.backbone.std
    with torch.no_grad():
        expected = theirs(x)
        densities = [d.exp() for d in mine.density(mine.backbone(IMAGES))]
        maps = [F.interpolate(-d, (SIZE, SIZE), mode="bilinear") for d in densities]
        torch.testing.assert_close(sum(maps) / 3, expected.anomaly_map, rtol=0, atol=1e-4)
        hidden, jacobians = theirs.train()(x)
        levels = mine.backbone(IMAGES)
        features = sum(level[0].numel() for level in levels)
        loss = FastflowLoss()(hidden, jacobians) / features
        torch.testing.assert_close(mine.density.loss(levels), loss, rtol=1e-4, atol=1e-4)


def test_cflow_agrees_on_the_likelihood_of_every_patch():
    layers = ("layer1", "layer2", "layer3")
    theirs = CflowModel(
        "resnet18", layers, pre_trained=False, condition_vector=8, coupling_blocks=2
    ).eval()
    shaken(theirs.decoders)
    mine = small(CFlow, condition=8)
    trunk = theirs.encoder.feature_extractor.state_dict()
    mine.backbone.network.load_state_dict(trunk)
    for flow, decoder in zip(mine.density.flows, theirs.decoders, strict=True):
        for block, other in zip(flow.blocks, decoder.module_list, strict=True):
            take_over(block, other)
    seen = {}
    theirs.anomaly_map_generator.register_forward_pre_hook(
        lambda module, unnamed, given: seen.update(given), with_kwargs=True
    )
    with torch.no_grad():
        theirs((IMAGES - mine.backbone.mean) / mine.backbone.std)
        found = mine.density.log_densities(mine.backbone(IMAGES))
    for level, expected in zip(found, seen["distribution"], strict=True):
        torch.testing.assert_close(level.flatten(), expected, rtol=1e-4, atol=1e-4)
