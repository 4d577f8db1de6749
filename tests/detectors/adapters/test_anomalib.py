"""Against anomalib itself; skipped where the extra is not installed."""

import pytest
import torch
import torch.nn.functional as F

pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")

from anomalib.data import ImageBatch
from anomalib.engine import Engine
from anomalib.models import Cflow, Fastflow, Padim, Patchcore, ReverseDistillation
from anomalib.pre_processing import PreProcessor
from torchvision.transforms.v2 import CenterCrop, Compose, Normalize, Resize

from hardsight.attacks import PGD, Linf, ScoreObjective, frozen, value_and_gradient
from hardsight.core.modules import in_mode
from hardsight.detectors import GradientError, Wrapped, anomalib_detector, as_detector
from hardsight.detectors.adapters.anomalib import RawScores, is_anomalib, unchecked

NORMALISE = Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
IMAGES = 0.2 + 0.6 * torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
NORMAL = torch.tensor([False, False])


def small(model, *steps, **settings):
    """A model of 64 x 64 pixels with random weights."""
    torch.manual_seed(0)
    transform = Compose([*(steps or (Resize((64, 64), antialias=True),)), NORMALISE])
    return model(
        backbone="resnet18", pre_trained=False, pre_processor=PreProcessor(transform), **settings
    )


def fitted(model, **settings):
    module = small(model, **settings)
    x = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    module.model.train()
    module.training_step(
        ImageBatch(image=module.pre_processor.transform(x), gt_label=torch.zeros(6).bool()), 0
    )
    module.fit()
    return module


@pytest.fixture(scope="module")
def patchcore():
    return fitted(Patchcore)


def test_scores_are_the_models_raw_ones(patchcore):
    detector = as_detector(patchcore)
    assert isinstance(detector, Wrapped)
    assert detector.title == "Patchcore"
    assert detector.image_size == 64
    found = detector.predict(IMAGES)
    assert patchcore.model.training  # as it was found
    with torch.no_grad(), in_mode("eval", patchcore):
        raw = patchcore.model(patchcore.pre_processor.transform(IMAGES))
    torch.testing.assert_close(found.pred_score, raw.pred_score.flatten())
    torch.testing.assert_close(found.anomaly_map, raw.anomaly_map)


def test_a_gradient_that_is_missing_as_shipped_is_restored_and_attacks(patchcore):
    objective = ScoreObjective(unchecked(patchcore, restore=False), NORMAL)
    with pytest.raises(ValueError, match="no gradient reaches"):
        value_and_gradient(objective, IMAGES)
    detector = as_detector(patchcore)
    objective = ScoreObjective(detector, NORMAL)
    with frozen(detector):
        before, _ = value_and_gradient(objective, IMAGES)
        attacked = PGD(Linf(4 / 255), steps=5)(
            objective, IMAGES, torch.Generator().manual_seed(0)
        ).images
    assert torch.all(detector.predict(attacked).pred_score > before)


def test_each_kind_of_mask_is_lifted():
    for module in (fitted(Padim), small(Fastflow), small(ReverseDistillation)):
        assert anomalib_detector(module).has_maps


def test_scores_that_depend_on_the_batch_are_taken_one_by_one():
    module = small(Cflow, layers=("layer2", "layer3"))
    images = torch.stack([torch.zeros_like(IMAGES[0]), IMAGES[1]])
    with torch.no_grad(), in_mode("eval", module):
        x = module.pre_processor.transform(images)
        together = module.model(x).anomaly_map
        singly = torch.cat([module.model(one[None]).anomaly_map for one in x])
    assert not torch.allclose(together, singly, rtol=1e-2)
    found = anomalib_detector(module).predict(images)
    torch.testing.assert_close(found.anomaly_map[:, 0], singly)


def test_attacked_at_another_resolution(patchcore):
    detector = anomalib_detector(patchcore, image_size=96)
    large = F.interpolate(IMAGES, (96, 96), mode="bilinear")
    found = detector.predict(large)
    assert found.anomaly_map.shape == (2, 1, 96, 96)
    _, g = value_and_gradient(ScoreObjective(detector, NORMAL), large)
    assert g.shape == large.shape


def test_maps_of_a_crop_lie_where_the_crop_was():
    module = small(Fastflow, Resize((96, 96), antialias=True), CenterCrop((64, 64)))
    detector = unchecked(module)
    assert detector.image_size == 96
    x = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(2))
    found = detector.predict(x).anomaly_map
    with torch.no_grad(), in_mode("eval", module):
        inner = module.model(module.pre_processor.transform(x)).anomaly_map
    torch.testing.assert_close(found[..., 16:80, 16:80], inner)
    assert torch.all(found[..., :16] == inner.amin())


def test_a_gradient_that_cannot_be_restored_is_refused():
    module = small(Fastflow)
    inner = module.model.forward

    def quantised(images):
        return inner((images * 4).round() / 4)

    module.model.forward = quantised
    with pytest.raises(GradientError, match="Fastflow is refused"):
        anomalib_detector(module)


def test_from_a_checkpoint_without_a_download(tmp_path, parts):
    from anomalib.data import Folder

    data = Folder("parts", root=parts, normal_dir="train/good", num_workers=0)
    module = small(Patchcore, coreset_sampling_ratio=0.02)
    module.hparams["pre_trained"] = True  # as users have it; the checkpoint holds the weights
    engine = Engine(default_root_dir=tmp_path, logger=False, accelerator="cpu", devices=1)
    engine.fit(module, datamodule=data)
    path = tmp_path / "model.ckpt"
    engine.trainer.save_checkpoint(path)
    detector = anomalib_detector(path, model="Patchcore")
    expected = unchecked(module).predict(IMAGES).pred_score
    torch.testing.assert_close(detector.predict(IMAGES).pred_score, expected)


def test_wrong_sources_are_explained(tmp_path):
    with pytest.raises(TypeError, match="anomalib model or a path"):
        anomalib_detector(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="model=None"):
        anomalib_detector(tmp_path / "model.ckpt")
    with pytest.raises(FileNotFoundError, match="not a file"):
        anomalib_detector(tmp_path / "model.ckpt", model="Patchcore")
    with pytest.raises(ValueError, match="image_size=None"):
        anomalib_detector(small(Fastflow, Resize((64, 96), antialias=True)))
    assert not is_anomalib(torch.nn.Linear(2, 2))
    assert RawScores(small(Fastflow)).resized == (64, 64)
