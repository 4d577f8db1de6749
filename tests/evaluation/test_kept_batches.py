"""Evaluations that go on in a folder."""

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.attacks import Suite, build_suite
from hardsight.data import load
from hardsight.detectors.calibration import Calibration
from hardsight.evaluation import Execution, Protocol, evaluate

NORMAL = [100, 102, 104, 106]

ANOMALOUS = [105, 110, 112, 116]

PLAIN = Protocol(gallery=0)


def pgd(eps_255: float, **settings) -> Suite:
    return build_suite("pgd", eps=eps_255 / 255, steps=5, **settings)


def test_killed_and_started_again_it_goes_on(bright, make_set, tmp_path):
    """What a first, interrupted run finished is not computed again, and the result is the same."""
    data, detector = make_set(NORMAL, ANOMALOUS), bright(noise=4 / 255)

    class KilledError(Exception):
        pass

    def kill(stage: str, done: int, total: int, info: str = "") -> None:
        if (stage, info) == ("evaluate", "pgd, L-inf 1/255, 4 of 8 images"):
            raise KilledError

    settings, state = {"protocol": Protocol(batch_size=2, gallery=2)}, tmp_path / "state"
    with pytest.raises(KilledError):
        evaluate(detector, data, [pgd(1)], execution=Execution(state, progress=kill), **settings)
    finished = sorted(state.glob("pgd-*/*.safetensors"))
    assert len(finished) == 2
    stamps = [f.stat().st_mtime_ns for f in finished]
    told = []
    listening = Execution(state, progress=lambda *one: told.append(one))
    again = evaluate(detector, data, [pgd(1)], execution=listening, **settings)
    assert [f.stat().st_mtime_ns for f in finished] == stamps
    first = told[0]  # what was done before took no time now, and tells no pace
    assert first[3] == "pgd, L-inf 1/255, 4 of 8 images"
    assert first[1] > first[2] / 2
    whole = evaluate(detector, data, [pgd(1)], **settings)
    assert np.array_equal(again.outputs["pgd"], whole.outputs["pgd"])
    assert torch.equal(again.gallery[0].attacked, whole.gallery[0].attacked)


@pytest.mark.parametrize("attacked", [False, True])
def test_files_that_are_decoded_otherwise_are_looked_at_anew(bright, tmp_path, attacked):
    pixels = np.full((16, 32, 3), 100, np.uint8)
    for i in range(20):
        pixels[0] = 200 + i
        name = f"train/good/{i}" if i < 12 else f"test/{'good' if i % 2 else 'bad'}/{i}"
        path = (tmp_path / f"set/{name}.png").absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    suites, state = [pgd(1)] if attacked else [], Execution(tmp_path / "state")
    for aspect in ("stretch", "keep"):  # which repeats the bright row
        data = load(tmp_path / "set", size=16, aspect=aspect)
        found, kept = (
            evaluate(bright(), data, suites, protocol=PLAIN, execution=execution).outputs
            for execution in (Execution(), state)
        )
        assert all(np.array_equal(found[name], kept[name]) for name in found)


def test_a_changed_detector_does_not_reuse_finished_batches(bright, make_set, tmp_path):
    data = make_set(NORMAL, ANOMALOUS)
    settings = {"protocol": PLAIN, "execution": Execution(tmp_path / "state")}
    one, two = bright(), bright()
    two.weight.data.fill_(2.0)
    first = evaluate(one, data, [], **settings).outputs["clean"]
    second = evaluate(two, data, [], **settings).outputs["clean"]
    np.testing.assert_allclose(second, 2 * first)


def test_a_threshold_set_anew_has_its_own_attacks_of_decisions(bright, make_set, tmp_path):
    """A3 climbs from the threshold's side: what was kept of another threshold is not taken."""
    data, state = make_set(NORMAL, ANOMALOUS), tmp_path / "state"
    scores = np.array([90, 104, 106, 107, 111, 120]) / 255
    suites = [build_suite(name, steps=2, restarts=1) for name in ("pgd", "a3")]
    for level in (0.5, 0.5, 0.2):
        detector = bright().with_calibration(Calibration.fit(scores, scores, level))
        evaluate(detector, data, suites, protocol=PLAIN, execution=Execution(state))
    assert [len(list(state.glob(f"{name}-*"))) for name in ("clean", "pgd", "a3")] == [1, 1, 2]


def test_what_was_kept_without_a_threshold_decides_nothing(bright, make_set, tmp_path):
    data, execution = make_set(NORMAL, ANOMALOUS), Execution(tmp_path)
    first = evaluate(bright(), data, [pgd(1)], protocol=PLAIN, execution=execution)
    assert first.decided == {}
    detector = bright().calibrate(data.validation.images())
    again = evaluate(detector, data, [pgd(1)], protocol=PLAIN, execution=execution)
    assert list(again.decided) == ["clean", "pgd"]
