"""FastFlow and CFlow: gradients, batches, fits that resume, files, refusals."""

from dataclasses import replace

import pytest
import torch
from tiny_flow import tiny_cflow, tiny_fastflow

from hardsight.augment import AugmentationPolicy
from hardsight.config import load_preset
from hardsight.data import load
from hardsight.detectors import demand_gradient
from hardsight.detectors.flows import FlowTask
from hardsight.detectors.flows import task as task_module
from hardsight.detectors.methods import METHODS
from hardsight.metrics import auroc
from hardsight.runs import start_run

TINY = """
description: Flows on a random network, of 32 x 32 pixels, that train in a second, for tests.
method: {method}
detector:
  backbone: {{weights: random, taps: [0, 1], seed: 1}}
  image_size: 32
  blocks: 2
  sigma: 1.0
  precision: fp32
training: {{steps: 40, batch_size: 4, optimizer: adam, lr: 5.0e-3, checkpoint_every: 10,
  ema_decay: 0.5, precision: 32-true, accelerator: cpu}}
augment: none
"""
TINY_DETECTORS = {"fastflow": tiny_fastflow, "cflow": tiny_cflow}


@pytest.fixture(scope="module", params=TINY_DETECTORS)
def method(request):
    return request.param


@pytest.fixture(scope="module")
def config(method, parts, tmp_path_factory):
    path = tmp_path_factory.mktemp("preset") / f"tiny-{method}.yaml"
    path.write_text(TINY.format(method=method), encoding="utf-8")
    return load_preset(str(path)).updated({"data.path": str(parts)})


@pytest.fixture(scope="module")
def run(config, tmp_path_factory):
    found = start_run(tmp_path_factory.mktemp("runs") / "parts", config)
    found.fit("cpu")
    return found


def pictures(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def test_an_obvious_defect_is_found_and_marked(run):
    data = run.data()
    found = run.detector("cpu").predict(data.test.images())
    assert auroc(found.pred_score.double().numpy(), data.test.labels) == 1
    bad, masks = torch.as_tensor(data.test.labels), data.test.masks()
    maps = found.anomaly_map[bad]
    assert maps[masks[bad]].mean() > 2 * maps[~masks[bad]].mean().abs()


def test_the_run_loads_as_what_was_fitted(run, method, tmp_path):
    detector, x = run.detector("cpu"), pictures(2)
    assert isinstance(detector, METHODS[method].detector)
    detector.save_pretrained(tmp_path)
    again = type(detector).from_pretrained(tmp_path)
    assert torch.equal(again(x).anomaly_map, detector(x).anomaly_map)
    assert again.calibration == detector.calibration


def test_the_gradient_is_exact(run):
    x = 0.3 + 0.4 * pictures(2)
    assert demand_gradient(run.detector("cpu"), x).exact


def test_an_image_has_one_score_in_any_batch(run):
    detector, x = run.detector("cpu"), pictures(3)
    for i in range(3):
        alone = detector(x[i : i + 1])
        torch.testing.assert_close(alone.anomaly_map[0], detector(x).anomaly_map[i])


def test_a_resumed_run_goes_on_to_the_same_weights(config, run, tmp_path):
    class StopError(Exception):
        pass

    def stop(stage, done, total, info=""):
        if done == 25:
            raise StopError

    broken = start_run(tmp_path / "broken", config)
    with pytest.raises(StopError):
        broken.fit("cpu", progress=stop)
    broken.fit("cpu")
    read = [(r.path / "model.safetensors").read_bytes() for r in (run, broken)]
    assert read[0] == read[1]


def test_the_flow_alone_is_trained(config, run, method):
    trained = run.detector("cpu")
    untrained = METHODS[method].detector(**config.arguments)
    before, after = untrained.backbone.state_dict(), trained.backbone.state_dict()
    assert all(torch.equal(weights, after[name]) for name, weights in before.items())
    flows = zip(untrained.density.parameters(), trained.density.parameters(), strict=True)
    assert not any(torch.equal(a, b) for a, b in flows)


def test_kept_features_and_those_computed_anew_give_one_loss(method, monkeypatch):
    detector = TINY_DETECTORS[method]()
    images = (pictures(6) * 255).byte()
    policy = AugmentationPolicy(6)
    kept = FlowTask(detector.density, detector.backbone, images, policy)
    monkeypatch.setattr(task_module, "KEPT", 1)
    anew = FlowTask(detector.density, detector.backbone, images, policy)
    losses = []
    for task in (kept, anew):
        batch = task.batch(4, torch.Generator().manual_seed(0))
        losses.append(task.loss(*batch))
    assert len(kept.batch(1, torch.Generator())) == 2
    assert len(anew.batch(1, torch.Generator())) == 1
    torch.testing.assert_close(losses[0], losses[1])


def test_turned_images_are_not_kept(method):
    detector = TINY_DETECTORS[method]()
    policy = AugmentationPolicy(2, ("flip",))
    task = FlowTask(detector.density, detector.backbone, (pictures(2) * 255).byte(), policy)
    assert task.batch(3, torch.Generator().manual_seed(0))[0].shape == (3, 3, 32, 32)


def test_a_share_of_the_pixels_is_one(method):
    with pytest.raises(ValueError, match=r"top must be a share of the pixels in \[0, 1\], got 1.5"):
        TINY_DETECTORS[method](top=1.5)


def test_one_training_image_is_refused(parts, method):
    data = load(parts, size=32)
    few = replace(data, train=data.train.of(data.train.samples[:1]))
    with pytest.raises(ValueError, match="1 training images beside"):
        TINY_DETECTORS[method]().fit(few)


def test_images_of_another_size_are_refused(parts, method):
    with pytest.raises(ValueError, match="size=32"):
        TINY_DETECTORS[method]().fit(load(parts, size=16))
