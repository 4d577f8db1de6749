"""PatchCore and PaDiM beside anomalib's, from the same weights; skipped without the extra."""

import pytest
import torch

pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")

from anomalib.data import ImageBatch
from anomalib.models import Padim, Patchcore
from anomalib.pre_processing import PreProcessor
from tiny_banks import RANDOM, SIZE, TINY, images
from torchvision.transforms.v2 import Compose, Normalize, Resize

from hardsight.backbones import Backbone
from hardsight.core.modules import in_mode
from hardsight.detectors import PaDiM, PatchCore, as_detector
from hardsight.detectors.adapters.anomalib_backbone import load_features

STATISTICS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TRAIN = images(24, seed=3)


def built(model, backbone, **settings):
    """A model of anomalib's on a backbone's network."""
    steps = Compose([Resize((SIZE, SIZE), antialias=True), Normalize(*STATISTICS)])
    module = model(
        backbone=backbone.name,
        layers=list(backbone.taps),
        pre_trained=False,
        pre_processor=PreProcessor(steps),
        **settings,
    )
    load_features(module, backbone)
    return module


def fitted(module):
    module.model.train()
    batch = ImageBatch(image=module.pre_processor.transform(TRAIN), gt_label=torch.zeros(24).bool())
    module.training_step(batch, 0)
    module.fit()
    return module


def raw(module, x):
    with torch.no_grad(), in_mode("eval", module):
        return module.model(module.pre_processor.transform(x))


def test_patchcore_scores_as_anomalibs_does():
    ours = PatchCore(**TINY | {"backbone": RANDOM | {"taps": [2, 3]}, "score": "patch"}).eval()
    module = fitted(built(Patchcore, ours.backbone, coreset_sampling_ratio=0.3))
    ours.bank.fill(module.model.memory_bank)
    right = raw(module, images())
    torch.testing.assert_close(
        ours(images()).pred_score, right.pred_score.flatten(), rtol=1e-4, atol=1e-4
    )


def test_padim_scores_as_anomalibs_does():
    """On one level: anomalib enlarges coarser ones to the nearest, not bilinearly."""
    ours = PaDiM(**TINY | {"backbone": RANDOM | {"taps": [2]}, "ridge": 0.01001}, channels=10)
    module = built(Padim, ours.backbone, n_features=10)
    module.model.idx = ours.chosen
    fitted(module)
    ours.eval().gaussians.fit([ours.embed(TRAIN)])
    right = raw(module, images())
    found = ours(images())
    torch.testing.assert_close(found.anomaly_map, right.anomaly_map, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.pred_score, right.pred_score.flatten(), rtol=1e-4, atol=1e-4)


def test_a_model_on_a_backbones_features_is_a_detector_with_an_exact_gradient():
    backbone = Backbone(**RANDOM, taps=(2, 3))
    module = fitted(built(Patchcore, backbone))
    detector = as_detector(module)  # refuses a gradient that is not exact
    assert detector(images()).pred_score.shape == (3,)


def test_features_of_another_network_are_refused():
    module = built(Patchcore, Backbone(**RANDOM, taps=(2, 3)))
    other = Backbone("test_resnet", "random", taps=(2, 3))
    with pytest.raises(ValueError, match=r"has not the features of test_resnet .*pre_trained"):
        load_features(module, other)
