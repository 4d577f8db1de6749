import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from bright import Saturating
from hardsight.attacks import APGD, L2, PGD, Attempt, Suite, build_suite
from hardsight.certify import Decision, certified_radius
from hardsight.data import ImageSet
from hardsight.evaluation.certified.attacked import attack_certified
from hardsight.evaluation.certified.plan import Smoothing, Terms
from hardsight.evaluation.certified.protocol import certify
from hardsight.evaluation.certified.sampled import in_proportion
from hardsight.evaluation.certified.sigma import Evidence, choose_sigma
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.evaluation.published import published_certified
from hardsight.metrics import conformal_threshold

NORMAL = [100, 102, 104, 106]
ANOMALOUS = [105, 110, 112, 116]
WEIGHT = 1 / np.sqrt(3 * 16 * 16)  # ||w|| of the mean
TERMS = Terms(0.3, 60, radii=(0.0, 0.1))
FEW = Smoothing(pixels=2, batch_size=16)


def score(images):
    return images.mean((1, 2, 3))


def test_a_linear_detector_gets_its_analytic_certificate(bright, make_set):
    """The smoothed score of w.x is w.x, and moves by at most r ||w||."""
    data, sigma, radii = make_set(NORMAL, ANOMALOUS), 0.3, (0.03, 0.25, 0.3)
    terms = Terms(sigma, 4000, 0.01, radii=radii)
    found = certify(bright(), data, terms, smoothing=Smoothing(pixels=0, batch_size=250))
    assert found.rows[0].linf == pytest.approx(0.03 * WEIGHT)
    for point in found.rows:
        shift = 255 * point.radius * WEIGHT
        right = np.mean([a - shift > n + shift for a in ANOMALOUS for n in NORMAL])
        assert point.auroc == right
        assert point.auroc_joint <= right
        assert point.tpr_joint <= point.tpr <= 1
    assert found.clean == np.mean([a > n for a in ANOMALOUS for n in NORMAL])
    names = dict(zip(found.names, found.medians, strict=True))
    for i, v in enumerate(NORMAL):  # the median of 4,000 is that near w.x
        error = 5 * sigma * WEIGHT * np.sqrt(np.pi / 2 / 4000)
        assert abs(names[f"test/good/{i:03}.png"] - v / 255) < error
    curve = [p.auroc for p in found.curve]
    assert curve == sorted(curve, reverse=True)
    assert curve[-1] == 0


def test_the_threshold_comes_of_validation_normals_alone(bright, make_set):
    data = make_set([80, 85], [150, 160])
    terms = replace(TERMS, sigma=0.02, n=200)
    found = certify(bright(), data, terms, smoothing=replace(FEW, level=0.2))
    normals = data.validation.images().float().mean((1, 2, 3)).numpy() / 255
    error = 5 * 0.02 * WEIGHT * np.sqrt(np.pi / 2 / 100)
    assert abs(found.threshold - conformal_threshold(normals, 0.2)) < error
    assert found.rows[0].f1 == 1.0  # far below and far above it
    assert found.rows[0].f1_joint == 1.0
    certified = certified_radius(found.scores, found.threshold, 0.02, 0.001)
    np.testing.assert_array_equal(found.radii, certified.radius)
    np.testing.assert_array_equal(found.decisions, certified.decision)


def test_pixels_are_those_of_the_same_copies(bright, make_set):
    data = make_set([100, 100], [140, 140])
    terms = replace(TERMS, sigma=0.01, radii=(0.0, 0.005, 1.0))
    found = certify(bright(), data, terms, smoothing=FEW)
    assert [i.anomalous for i in found.gallery] == [True, False]
    defect, good = found.gallery
    assert list(defect.pixels) == [0.0, 0.005]  # nothing is bounded at 1
    assert (defect.pixels[0.0][:8] == Decision.ANOMALOUS).all()  # 145 above every normal pixel
    assert (good.pixels[0.0] == Decision.NORMAL).all()
    assert defect.mask is not None
    assert good.mask is None
    assert found.rows[-1].needed > 60


class KilledError(Exception):
    pass


def kept(folder):
    return {p.relative_to(folder): p for p in folder.rglob("*.safetensors")}


def test_killed_and_started_again_it_gives_the_same(bright, make_set, tmp_path):
    from safetensors.torch import load_file

    data, detector = make_set(NORMAL, ANOMALOUS), bright(noise=0.01)

    def kill(stage: str, done: int, total: int, info: str = "") -> None:
        if (stage, done) == ("certify plain", 3):
            raise KilledError

    with pytest.raises(KilledError):
        certify(
            detector, data, TERMS, smoothing=FEW, execution=Execution(tmp_path / "a", progress=kill)
        )
    stamps = {p: p.stat().st_mtime_ns for p in kept(tmp_path / "a").values()}
    assert len(stamps) == len(data.validation) + 3
    again = certify(detector, data, TERMS, smoothing=FEW, execution=Execution(tmp_path / "a"))
    assert all(p.stat().st_mtime_ns == t for p, t in stamps.items())
    whole = certify(detector, data, TERMS, smoothing=FEW, execution=Execution(tmp_path / "b"))
    a, b = kept(tmp_path / "a"), kept(tmp_path / "b")
    assert a.keys() == b.keys()
    for name in a:
        x, y = load_file(a[name]), load_file(b[name])
        assert all(x[k].numpy().tobytes() == y[k].numpy().tobytes() for k in x if k != "seconds")
    texts = [json.dumps(c.to_json() | {"seconds_per_image": 0}) for c in (again, whole)]
    assert texts[0] == texts[1]
    few = certify(
        detector, data.limited(4), TERMS, smoothing=FEW, execution=Execution(tmp_path / "a")
    )
    assert len(kept(tmp_path / "a")) == len(a)  # other images change nothing of one
    assert len(few.labels) == 4
    other = certify(
        detector, data, TERMS, smoothing=replace(FEW, seed=1), execution=Execution(tmp_path / "a")
    )
    assert not np.array_equal(other.scores, whole.scores)


def test_out_of_time_is_said(bright, make_set, tmp_path):
    data = make_set(NORMAL, ANOMALOUS)
    with pytest.raises(ValueError, match="time ran out after 0 of 8 images"):
        certify(bright(), data, TERMS, smoothing=FEW, execution=Execution(max_minutes=1e-9))

    def stop(stage: str, done: int, total: int, info: str = "") -> None:
        if (stage, done) == ("certify plain", 4):
            raise KilledError

    with pytest.raises(KilledError):
        certify(bright(), data, TERMS, smoothing=FEW, execution=Execution(tmp_path, progress=stop))
    found = certify(bright(), data, TERMS, smoothing=FEW, execution=Execution(tmp_path, 1e-9))
    assert found.labels.sum() == 2  # both labels in proportion
    assert any("4 of 8 test images" in note for note in found.notes)


def test_any_function_is_certified_without_a_gradient(make_set):
    data = make_set(NORMAL, ANOMALOUS)

    def quantised(images):
        return (score(images) * 1000).round()

    found = certify(quantised, data, TERMS, smoothing=FEW)
    assert found.gallery == ()  # no maps
    assert found.clean > 0.8


@pytest.mark.parametrize(
    ("terms", "smoothing", "message"),
    [
        ({"sigma": 0.0}, {}, "sigma must be finite"),
        ({"sigma": "0.1"}, {}, "sigma must be finite and > 0, got '0.1'"),
        ({"n": 60.5}, {}, "n must be at least 1 and whole, got 60.5"),
        ({"radii": 0.1}, {}, r"rising numbers >= 0, as \(0.0, 0.1\), got 0.1"),
        ({"radii": (-0.1,)}, {}, "radii must be rising"),
        ({"radii": (0.1, 0.0)}, {}, "radii must be rising"),
        ({"alpha": 2.0}, {}, "alpha must be"),
        ({"fpr": 5.0}, {}, "fpr must be"),
        ({}, {"design": "best"}, "choose from plain, single, denoise, as-is"),
        ({"n": 3}, {"early_stopping": True}, "settle nothing"),
    ],
)
def test_mistakes_are_named(bright, make_set, terms, smoothing, message):
    data = make_set(NORMAL, ANOMALOUS)
    with pytest.raises(ValueError, match=message):
        certify(bright(), data, replace(TERMS, **terms), smoothing=replace(FEW, **smoothing))


def test_a_design_that_a_detector_cannot_have_is_refused(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS)
    with pytest.raises(TypeError, match="needs reconstructions"):
        certify(bright(), data, TERMS, smoothing=replace(FEW, design="denoise"))


def test_no_attack_breaks_a_certificate_and_a_false_one_is_caught(bright, make_set, tmp_path):
    data, detector = make_set(NORMAL, ANOMALOUS), bright()
    found = certify(detector, data, replace(TERMS, sigma=0.1, n=400, radii=(0.1,)), smoothing=FEW)
    ball = L2(0.1)
    suites = [
        Suite(name, ball, lambda _, o=optimiser: (Attempt(o, "score", 4),))
        for name, optimiser in (("pgd", PGD(ball, 5)), ("apgd", APGD(ball, 5)))
    ]
    told = []
    execution = Execution(tmp_path, progress=lambda *one: told.append(one))
    common = {"protocol": Protocol(400), "execution": execution}
    attacked = attack_certified(found, detector, data, suites, **common)
    assert [a.name for a in attacked.attacks] == ["pgd", "apgd"]
    before, (stage, done, whole, what) = told[-2:]
    assert before == ("attack", whole, whole, "apgd at radius 0.1, 8 of 8 images")
    assert (stage, done, what) == ("attack", whole, "done")
    assert [one[1] for one in told] == sorted(one[1] for one in told)
    told.clear()
    attack_certified(found, detector, data, suites, **common)
    assert told == [("attack", whole, whole, "done")]  # all was kept
    shift = 255 * 0.1 * WEIGHT  # the strongest attack there is
    worst = np.mean([a - shift > n + shift for a in ANOMALOUS for n in NORMAL])
    for a in attacked.attacks:
        assert a.broken == 0
        assert a.auroc >= a.certified
        assert a.auroc == pytest.approx(worst, abs=0.13)
    narrow = replace(found, scores=np.tile(found.medians, (400, 1)))  # as if nothing could move it
    (broken,) = attack_certified(narrow, detector, data, suites[:1], **common).attacks
    assert broken.broken > 0
    with pytest.raises(ValueError, match="in L2"):
        attack_certified(found, detector, data, [build_suite("pgd")])


def test_every_beginning_holds_both_labels_in_proportion():
    labels = np.array([True] * 12 + [False] * 4)
    order = in_proportion(labels)
    assert sorted(order) == list(range(16))
    for n in range(4, 17, 4):
        assert (~labels[order[:n]]).sum() == n // 4


def test_published_figures():
    freerad = partial(published_certified, "FreeRAD")
    assert freerad("bottle", 0.125, 0.1) == pytest.approx(0.92)
    assert freerad("toothbrush", 0.125, 0.05) == pytest.approx(0.994)
    assert freerad("wood", 0.25, 0.2, "mvtec_ad") == pytest.approx(0.667)
    assert freerad("wood", 0.25, 0.2, "mine") is None
    assert freerad("bottle", 0.125, 0.3) is None
    assert freerad("brick", 0.125, 0.1) is None
    assert freerad(None, 0.125, 0.1) is None
    for method in ("SPADE", None):
        assert published_certified(method, "bottle", 0.125, 0.1) is None


def test_an_empty_set_of_one_kind_is_refused(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS)
    good = [s for s in data.test.samples if not s.anomalous]
    with pytest.raises(ValueError, match="no anomalous image"):
        certify(bright(), replace(data, test=ImageSet(good, 16)), TERMS, smoothing=FEW)


def test_other_images_under_the_same_names_are_attacked_anew(bright, make_set, tmp_path):
    detector, suite = bright(), build_suite("pgd", "L2", 0.1, steps=2)
    common = {"protocol": Protocol(20), "execution": Execution(tmp_path / "state")}
    terms = replace(TERMS, sigma=0.01)
    found = []
    for anomalous in ([140, 150], [20, 30]):  # above the normal ones, and then below
        data = make_set([100, 105], anomalous)
        certified = certify(detector, data, terms, smoothing=FEW)
        found += attack_certified(certified, detector, data, [suite], **common).attacks
    assert [attack.auroc for attack in found] == [1.0, 0.0]


@pytest.mark.parametrize("training", [True, False])
def test_a_detector_is_certified_in_eval_mode_and_left_as_it_was(bright, make_set, training):
    class Moody(bright):
        def forward(self, images, noise=None):
            return super().forward(images * (0.5 if self.training else 1.0), noise)

    data, terms = make_set(NORMAL, ANOMALOUS), replace(TERMS, sigma=0.01)
    detector, suite = Moody().train(training), build_suite("pgd", "L2", 0.1, steps=1)
    found = certify(detector, data, terms, smoothing=FEW)
    attack_certified(found, detector, data, [suite], protocol=Protocol(20))
    choose_sigma(detector, data, terms, (0.01,), evidence=Evidence(images=2, samples=20))
    assert detector.training is training
    np.testing.assert_array_equal(
        found.scores, certify(Moody().eval(), data, terms, smoothing=FEW).scores
    )


def test_gradients_lost_under_an_attack_are_noted(make_set):
    data, suite = make_set([100, 106], [80, 85], masks=False), build_suite("pgd", "L2", 0.1)
    detector = Saturating(107 / 255)
    found = certify(detector, data, replace(TERMS, sigma=0.002), smoothing=FEW)
    attacked = attack_certified(found, detector, data, [suite], protocol=Protocol(10))
    (note,) = attacked.notes[len(found.notes) :]
    assert note.startswith("pgd at radius 0.1: Non-finite gradients on 1 of 4 images")
