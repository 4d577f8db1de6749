"""AdvRAD in anomalib's own Engine; skipped where the extra is not installed."""

import pytest
import torch
from tiny_detector import TINY

pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")

from anomalib.data import Folder
from anomalib.engine import Engine

from hardsight.data import write_textures
from hardsight.detectors import AdvRAD, as_detector
from hardsight.detectors.adapters.anomalib_module import AdvRADModule
from hardsight.detectors.advrad.errors import error_maps
from hardsight.detectors.mean_filter import mean_filter
from hardsight.synthesis import DEFECTS

SETTINGS = {"denoiser": TINY, "image_size": 16, "filter_size": 3, "precision": "fp32"}


@pytest.fixture(scope="module")
def textures(tmp_path_factory):
    root = tmp_path_factory.mktemp("textures")
    write_textures(
        root, textures=["gravel"], size=48, train=8, validation=2, test_good=4, defects_per_kind=1
    )
    return root / "gravel"


def folder(root, **settings):
    return Folder(
        "gravel",
        root=root,
        normal_dir="train/good",
        train_batch_size=4,
        eval_batch_size=4,
        num_workers=0,
        **settings,
    )


@pytest.fixture(scope="module")
def trained(textures, tmp_path_factory):
    place = tmp_path_factory.mktemp("engine")
    data = folder(
        textures, normal_test_dir="test/good", abnormal_dir=[f"test/{d}" for d in DEFECTS]
    )
    module = AdvRADModule(SETTINGS, {"lr": 3e-3, "ema_decay": 0.5})
    start = {k: v.clone() for k, v in module.network.state_dict().items()}
    engine = Engine(
        max_epochs=2, default_root_dir=place, logger=False, accelerator="cpu", devices=1
    )
    engine.fit(module, datamodule=data)
    return module, engine, data, start


def test_fit_trains_averages_and_refers(trained):
    module, _, data, start = trained
    assert module.global_step == 4
    now = module.network.state_dict()
    assert any(not torch.equal(now[k], v) for k, v in start.items())
    average = module.detector.denoiser.state_dict()
    assert all(torch.isfinite(v).all() for v in average.values())
    assert any(not torch.equal(average[k], v) for k, v in now.items())
    detector = module.detector
    batches = [module.pre_processor.transform(b.image) for b in data.train_dataloader()]
    x = torch.cat(batches)  # in another order than it was: the mean does not mind
    errors = error_maps(detector, x, torch.Generator().manual_seed(7))
    mean = mean_filter(errors, 3).mean(0, keepdim=True)
    torch.testing.assert_close(detector.map_mean, mean, rtol=0.5, atol=0.01)
    assert torch.all(detector.map_spread > 0)


def test_predict_gives_calibrated_batches_the_same_every_time(trained):
    module, engine, data, _ = trained
    runs = [engine.predict(module, datamodule=data) for _ in range(2)]
    first, second = (torch.cat([b.pred_score for b in run]) for run in runs)
    assert torch.equal(first, second)
    assert torch.isfinite(first).all()
    assert runs[0][0].anomaly_map.shape[-2:] == (16, 16)
    assert runs[0][0].pred_label.dtype == torch.bool


def test_test_reports_metrics(trained):
    module, engine, data, _ = trained
    (metrics,) = engine.test(module, datamodule=data, verbose=False)
    assert 0 <= metrics["image_AUROC"] <= 1


def test_what_was_trained_is_a_detector_like_any_other(trained, tmp_path):
    module, *_ = trained
    detector = as_detector(module)
    assert detector is module.detector
    detector.save_pretrained(tmp_path)
    loaded = AdvRAD.from_pretrained(tmp_path)
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    noise = detector.sample_noise(x, torch.Generator().manual_seed(1))
    torch.testing.assert_close(loaded(x, noise).pred_score, detector(x, noise).pred_score)


def test_an_images_score_does_not_depend_on_its_batch(trained):
    module, *_ = trained
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together, alone = module.model(x).pred_score, module.model(x[2:]).pred_score
    torch.testing.assert_close(together[2:], alone)


def test_a_checkpoint_holds_everything(trained, tmp_path):
    module, engine, *_ = trained
    path = tmp_path / "model.ckpt"
    engine.trainer.save_checkpoint(path)
    loaded = AdvRADModule.load_from_checkpoint(path)
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, found = module.model(x).pred_score, loaded.eval().model(x).pred_score
    torch.testing.assert_close(found, expected)


def test_fit_without_anything_to_validate(textures, tmp_path):
    module = AdvRADModule(SETTINGS)
    Engine(
        max_steps=2,
        default_root_dir=tmp_path,
        logger=False,
        accelerator="cpu",
        devices=1,
        limit_val_batches=0,
    ).fit(module, datamodule=folder(textures))
    assert module.referred == 2
    assert torch.all(module.detector.map_spread > 0)
