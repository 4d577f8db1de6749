"""Reverse Distillation: shapes, its loss, and anomalib's with the same weights."""

import pytest
import torch
import torch.nn.functional as F
from tiny_students import BACKBONE, images, tiny

from hardsight.detectors import ReverseDistillation
from hardsight.detectors.distillation.bottleneck import Bottleneck, ratios


def test_the_decoder_gives_features_of_the_teachers_shapes():
    detector = tiny("reverse-distillation")
    expected, found = detector.features(images())
    assert [level.shape for level in found] == [level.shape for level in expected]
    assert detector.student[0](expected).shape == (3, 64, 4, 4)


def test_the_loss_is_the_cosine_distance_of_whole_images():
    detector = tiny("reverse-distillation")
    expected, found = detector.features(images())
    right = sum(
        (1 - F.cosine_similarity(a.flatten(1), b.flatten(1))).mean()
        for a, b in zip(expected, found, strict=True)
    )
    torch.testing.assert_close(detector.loss(images()), right)


def test_features_of_one_stride_are_embedded_too():
    """As a ViT has them: nothing is enlarged between the scales."""
    backbone = {"name": "test_vit", "weights": "random", "taps": [1, 3]}
    backbone["options"] = {"img_size": 64}
    detector = ReverseDistillation(backbone, image_size=64, precision="fp32").eval()
    expected, found = detector.features(images(2, 64))
    assert [level.shape[-1] for level in expected] == [4, 4]
    assert [level.shape for level in found] == [level.shape for level in expected]


def test_scales_from_coarse_to_fine_are_refused():
    assert ratios((4, 8, 16, 16)) == [2, 2, 1]
    with pytest.raises(ValueError, match="fine to coarse"):
        Bottleneck((8, 8), (8, 4))


def test_anomalibs_scores_from_the_same_weights():
    """The output convolutions, which anomalib has not, are the identity."""
    pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")
    from anomalib.models.image.reverse_distillation import torch_model
    from anomalib.models.image.reverse_distillation.anomaly_map import AnomalyMapGenerationMode

    theirs = torch_model.ReverseDistillationModel(
        "resnet18", (64, 64), ["layer1", "layer2", "layer3"], AnomalyMapGenerationMode.ADD, False
    ).eval()
    backbone = BACKBONE | {"name": "resnet18", "taps": [1, 2, 3]}
    ours = ReverseDistillation(backbone, image_size=64, precision="fp32").eval()
    theirs.encoder.feature_extractor.load_state_dict(ours.teacher.network.state_dict())
    bottleneck, decoder, outputs = ours.student
    copy_blocks(theirs.decoder, decoder)
    copy_blocks(theirs.bottleneck.bn_layer, bottleneck.embedding)
    for i, (path, step) in enumerate(((0, 0), (0, 1), (1, 0)), start=1):
        bottleneck.paths[path][step][0].load_state_dict(
            getattr(theirs.bottleneck, f"conv{i}").state_dict()
        )
    with torch.no_grad():
        for scale in outputs.scales:
            scale.weight.copy_(torch.eye(len(scale.weight))[..., None, None])
            scale.bias.zero_()
    x = images(2, 64)
    expected, found = theirs((x - ours.teacher.mean) / ours.teacher.std), ours(x)
    torch.testing.assert_close(found.anomaly_map, expected.anomaly_map, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.pred_score, expected.pred_score[:, 0], rtol=1e-4, atol=1e-5)


def copy_blocks(theirs, ours) -> None:
    """Copy the convolutions of residual blocks; batch norms are as they were made in both."""
    names = ("conv1", "conv2", "downsample.0", "upsample.0")
    blocks = [m for m in theirs.modules() if hasattr(m, "conv2") and hasattr(m, "bn2")]
    mine = [m for m in ours.modules() if hasattr(m, "shortcut")]
    assert len(blocks) == len(mine)
    for block, other in zip(blocks, mine, strict=True):
        parts = dict(block.named_modules())
        found = [parts[name] for name in names if name in parts]
        shortcut = [] if isinstance(other.shortcut, torch.nn.Identity) else [other.shortcut[0]]
        for a, b in zip(found, [other.first[0], other.second[0], *shortcut], strict=True):
            b.load_state_dict(a.state_dict())
