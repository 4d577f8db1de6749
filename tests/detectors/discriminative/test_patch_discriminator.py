import torch
import torch.nn.functional as F
from tiny_discriminator import generator, images, tiny_discriminator
from torchvision.transforms.functional import gaussian_blur

from hardsight.backbones import patch_features
from hardsight.detectors import demand_gradient
from hardsight.detectors.discriminative.patch_discriminator import PatchDiscriminator


def test_the_gradient_of_the_score_is_exact():
    assert demand_gradient(tiny_discriminator(), images(), generator()).exact


def test_the_score_is_the_highest_logit_and_the_map_all_of_them():
    detector, x = tiny_discriminator(), images()
    logits = detector.judge(patch_features(detector.backbone(x)))
    found = detector(x)
    assert logits.shape == (3, 1, 8, 8)
    torch.testing.assert_close(found.pred_score, logits.flatten(1).amax(1))
    large = F.interpolate(logits, (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(found.anomaly_map, gaussian_blur(large, [7, 7], [1.0, 1.0]))


def test_patches_may_be_finer_than_the_features():
    fine = tiny_discriminator(side=16)
    assert fine.judge(fine.features(images())).shape == (3, 1, 16, 16)
    assert fine(images()).anomaly_map.shape == (3, 1, 16, 16)


def test_features_are_standardised_channel_by_channel():
    detector, x = tiny_discriminator(), images(8)
    features = detector.features(x).detach()
    judge = detector.judge
    judge.standardise(features.split(3))
    torch.testing.assert_close(judge.mean[0, :, 0, 0], features.mean((0, 2, 3)))
    std = features.std((0, 2, 3), unbiased=False)
    torch.testing.assert_close(judge.std[0, :, 0, 0], std, rtol=1e-3, atol=1e-5)
    torch.nn.init.dirac_(judge.adaptor.weight)
    torch.nn.init.zeros_(judge.adaptor.bias)
    torch.testing.assert_close(
        judge.adapted(features).std((0, 2, 3), unbiased=False)[std > 1e-3],
        torch.ones(int((std > 1e-3).sum())),
        rtol=1e-2,
        atol=1e-3,
    )


def test_what_is_saved_scores_alike_without_the_weights_it_was_fitted_from(tmp_path):
    detector = tiny_discriminator(seed=3)
    detector.backbone.weights = "gone.pth"
    detector.save_pretrained(tmp_path)
    again = PatchDiscriminator.from_pretrained(tmp_path)
    for mine, other in zip(again(images())[:2], detector(images())[:2], strict=True):
        assert torch.equal(mine, other)
