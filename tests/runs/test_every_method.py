"""What the record of every method claims, from end to end on a tiny instance of each.

The tests of fitted instances are slow together, a second or two each.
"""

from dataclasses import replace
from functools import cache

import pytest
import torch

from hardsight.attacks import build_suite
from hardsight.audit import Budget, audit
from hardsight.backbones import BackboneError
from hardsight.core.types import Detection
from hardsight.data import load
from hardsight.detectors import demand_gradient
from hardsight.detectors.fitted import Work
from hardsight.detectors.methods import METHODS
from hardsight.evaluation import Protocol, evaluate
from hardsight.evaluation.certified.plan import Smoothing, Terms
from hardsight.evaluation.certified.protocol import certify
from hardsight.export import export
from hardsight.export.graph import write_onnx
from hardsight.runs import open_detector_run, recalibrate, start_run
from tiny_methods import BACKBONE, TINY, tiny_config

EVERY = pytest.mark.parametrize("method", METHODS)
PRETRAINED = [name for name, made in TINY.items() if made["detector"].get("backbone") == BACKBONE]
LITTLE = Budget("little", ("score",), (1, 2), 1, (1,), (1,), (1,), queries=4, gradients=4)


@pytest.fixture(scope="module")
def fitted(parts, tmp_path_factory):
    """Return method -> a finished run of it, and the stages that its fit told of."""

    @cache
    def fit(method):
        told = []
        run = start_run(tmp_path_factory.mktemp(method) / "run", tiny_config(method, parts))
        run.fit("cpu", progress=lambda stage, done, total, info="": told.append(stage))
        return run, list(dict.fromkeys(told))

    return fit


@pytest.fixture
def run(fitted, method):
    return fitted(method)[0]


def inside(detector, count=2):
    """Images away from the ends of [0, 1]."""
    seed = torch.Generator().manual_seed(5)
    return 0.2 + 0.6 * torch.rand(count, 3, *detector.size, generator=seed)


def unmasked(data):
    """A data set without masks, of which no figure of pixels is taken."""
    bare = [replace(sample, masks=()) for sample in data.test.samples]
    return replace(data, test=data.test.of(bare))


def test_every_method_has_a_tiny_variant():
    assert TINY.keys() == METHODS.keys()


@pytest.mark.slow
@EVERY
def test_a_fit_goes_through_the_stages_that_it_announces(method, fitted):
    run, told = fitted(method)
    stages = list(run.config.fit.stages)
    assert told[0] == "decode"
    assert [stage for stage in told if stage in stages] == stages


@pytest.mark.slow
@EVERY
def test_an_image_has_one_score_and_a_map_of_its_size(method, run):
    detector = run.detector("cpu")
    x = inside(detector, 3)
    found, alone = detector.predict(x), detector.predict(x[1:2])
    assert isinstance(found, Detection)
    assert found.anomaly_map.shape == (3, 1, *detector.size)
    assert found.pred_label.dtype == found.pred_mask.dtype == torch.bool
    torch.testing.assert_close(found.pred_score[1:2], alone.pred_score, rtol=1e-3, atol=1e-5)
    assert (detector.sample_noise(x) is not None) == METHODS[method].detector.random


@pytest.mark.slow
@EVERY
def test_the_gradient_that_attacks_follow_is_that_of_finite_differences(method, run):
    detector = run.detector("cpu")
    assert detector.differentiable
    assert demand_gradient(detector, inside(detector), torch.Generator().manual_seed(0)).exact


@pytest.mark.slow
@EVERY
def test_it_is_evaluated_under_attack(method, run):
    suite = build_suite("pgd", eps="8/255", steps=2)
    detector, data = run.tested("cpu")
    found = evaluate(detector, unmasked(data), [suite], protocol=Protocol(2, gallery=0))
    clean, attacked = (
        next(row for row in found.rows if row.target == "image" and bool(row.norm) == hurt)
        for hurt in (False, True)
    )
    assert clean.metric == attacked.metric
    assert attacked.mean.value <= clean.mean.value


@pytest.mark.slow
@EVERY
def test_it_is_audited(method, run):
    detector, data = run.tested("cpu")
    found = audit(detector, unmasked(data), eps="8/255", images=4, budget=LITTLE)
    checks = {check.name: check for check in found.checks}
    assert checks["gradient"].verdict == "pass", checks["gradient"].sentence


@pytest.mark.slow
@EVERY
def test_it_is_certified(method, run):
    terms = Terms(0.05, n=12, alpha=0.3, radii=(0.0, 0.01))
    found = certify(*run.opened("cpu"), terms, smoothing=Smoothing(pixels=0))
    assert found.scores.shape == (12, len(found.labels))
    centre, farther = found.rows
    assert farther.auroc <= centre.auroc


@pytest.mark.slow
@EVERY
def test_its_threshold_is_set_anew(method, run):
    before = run.detector("cpu").calibration
    recalibrate(run, (), None, 0.5, device="cpu")
    after = open_detector_run(run.path).detector("cpu").calibration
    assert (before.level, after.level) != (0.5, before.level)
    assert after.threshold <= before.threshold


@pytest.mark.slow
@EVERY
def test_its_graph_scores_alike_or_the_refusal_names_who_has_one(method, run, tmp_path):
    detector, data = run.opened("cpu")
    if not METHODS[method].detector.exportable:
        with pytest.raises(ValueError, match=r"cannot be exported.*patchcore"):
            export(detector, data, tmp_path / "exported")
        return
    for extra in ("onnx", "onnxscript"):
        pytest.importorskip(extra)
    runtime = pytest.importorskip("onnxruntime")
    write_onnx(detector, tmp_path / "graph.onnx")
    x = inside(detector, 5)
    noise = detector.decision_noise(x)
    given = {"images": x.numpy()} | ({} if noise is None else {"noise": noise.numpy()})
    score, maps = runtime.InferenceSession(tmp_path / "graph.onnx").run(None, given)
    expected = detector.predict(x)
    torch.testing.assert_close(torch.from_numpy(score), expected.pred_score, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(torch.from_numpy(maps), expected.anomaly_map, rtol=1e-3, atol=1e-4)


@EVERY
def test_a_fit_refuses_a_single_training_image_and_images_of_another_size(method, parts):
    config = tiny_config(method, parts)
    record = METHODS[method]
    detector = record.detector(**config.arguments)
    data = load(parts, size=detector.image_size)
    alone = replace(data, train=data.train.of(data.train.samples[:1]))
    with pytest.raises(ValueError, match=r"1 training images beside .* needs at least 2"):
        record.fit(detector, alone, config.fit, Work())
    size = detector.image_size
    with pytest.raises(ValueError, match=rf"shape \(B, 3, {size}, {size}\)"):
        record.fit(detector, load(parts, size=2 * size), config.fit, Work())


@pytest.mark.parametrize(
    "method", [m for m in TINY if TINY[m]["detector"].get("backbone") == BACKBONE]
)
def test_a_fit_names_the_weights_that_are_not_there(method, parts, tmp_path):
    gone = {"detector.backbone.weights": str(tmp_path / "gone.pth")}
    config = tiny_config(method, parts).updated(gone)
    detector = METHODS[method].detector(**config.arguments)
    data = load(parts, size=detector.image_size)
    with pytest.raises(BackboneError, match=r"gone.pth' is not there"):
        METHODS[method].fit(detector, data, config.fit, Work())
