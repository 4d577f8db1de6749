from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from bright import write_set
from hardsight.attacks import build_suite
from hardsight.attacks.class_suites import class_suite
from hardsight.data import Counts, LabelledImages, published_sets
from hardsight.detectors import Calibration
from hardsight.evaluation import (
    ClassifierSubject,
    DetectorSubject,
    Execution,
    Protocol,
    Record,
    evaluate,
    evaluate_classifier,
)
from hardsight.evaluation.alarms import alarms, counts
from hardsight.evaluation.subjects.synthetic import with_fewer_good_parts

NORMAL, ANOMALOUS = [100, 102, 104, 106], [105, 110, 112, 116]
PLAIN = Protocol(2, gallery=0)
G = torch.Generator().manual_seed(0)
PIXELS = torch.randint(60, 196, (12, 1, 4, 4), generator=G, dtype=torch.uint8)
POINTS = LabelledImages("points", PIXELS, torch.arange(12) % 2, ("a", "b"))


class Normed(nn.Module):
    """A classifier whose answers and statistics depend on its mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(16, 2)

    def forward(self, x):
        return self.head(self.drop(self.norm(x)).flatten(1))


@pytest.mark.parametrize("training", [True, False])
def test_a_classifier_keeps_its_mode_and_its_statistics(training):
    model = Normed().train(training)
    model.drop.eval()  # parts may differ
    before = {k: v.clone() for k, v in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    suite = class_suite("pgd", eps="8/255", steps=2)
    found = evaluate_classifier(model, POINTS, [suite], protocol=Protocol(gallery=2))
    assert [m.training for m in model.modules()] == modes
    assert all(p.requires_grad for p in model.parameters())
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    again = evaluate_classifier(model.eval(), POINTS, [suite], protocol=Protocol(gallery=2))
    assert np.array_equal(found.outputs["pgd"], again.outputs["pgd"])


def test_published_figures_stand_beside_the_published_data_alone(bright, tmp_path, monkeypatch):
    class Spade(bright):
        paper = "SPADE"

    def found(data, **options):
        rows = evaluate(Spade(), data, [], protocol=PLAIN, **options).rows
        return [row.place for row in rows if row.published is not None]

    data = write_set(tmp_path / "screw", NORMAL, ANOMALOUS)  # own screws, under a famous name
    assert found(data) == []
    monkeypatch.setitem(published_sets()["mvtec_ad"].categories, "screw", Counts(30, good=20))
    assert found(data) == found(data.limited(4)) == ["FreeRAD, Table 2"]
    assert found(data, synthetic=True) == []  # no paper measured defects of ours


def test_a_detector_in_train_mode_is_measured_in_eval_mode_and_left_as_it_was(bright, make_set):
    class Moody(bright):
        def forward(self, images, noise=None):
            return super().forward(images * (0.5 if self.training else 1.0), noise)

    data = make_set(NORMAL, ANOMALOUS)
    detector = Moody().train()
    found = evaluate(detector, data, [], protocol=PLAIN)
    assert detector.training
    assert detector.weight.requires_grad
    plain = evaluate(bright(), data, [], protocol=PLAIN)
    assert np.array_equal(found.outputs["clean"], plain.outputs["clean"])


def test_tensors_and_names_are_answered_by_what_makes_data_and_suites_of_them(bright, make_set):
    with pytest.raises(TypeError, match=r"got tuple; LabelledImages\.of"):
        evaluate_classifier(Normed(), (PIXELS, POINTS.labels))
    for suites in ("pgd", ["pgd"]):
        with pytest.raises(TypeError, match=r"what class_suite makes, got 'pgd'"):
            evaluate_classifier(Normed(), POINTS, suites)
        with pytest.raises(TypeError, match=r"what build_suite makes, got 'pgd'"):
            evaluate(bright(), make_set(NORMAL, ANOMALOUS), suites)
    with pytest.raises(TypeError, match=r"suites must be a list, got 'pgd' alone; give \[suite\]"):
        evaluate(bright(), make_set(NORMAL, ANOMALOUS), build_suite("pgd"))


def test_randomness_besides_the_noise_is_refused_of_detectors_and_classifiers(bright, make_set):
    """An attack could not average it, and the figure would be luck."""

    class Shaken(bright):
        def forward(self, images, noise=None):
            return super().forward(images + 0.1 * torch.randn(len(images), 1, 1, 1), noise)

    class ShakenClassifier(nn.Linear):
        def forward(self, x):
            return super().forward((x + 0.1 * torch.randn(len(x), 1, 1, 1)).flatten(1))

    with pytest.raises(ValueError, match=r"detector gives the same images .* another score"):
        evaluate(Shaken(), make_set(NORMAL, ANOMALOUS), [], protocol=PLAIN)
    with pytest.raises(ValueError, match=r"classifier gives the same images .* another margin"):
        evaluate_classifier(ShakenClassifier(16, 2), POINTS, [], protocol=PLAIN)


def test_the_whole_evaluation_is_one_stage_whose_units_are_costs(bright, make_set):
    """So that the pace of its first steps says how long all of it takes."""
    told = []

    def listen(stage, done, total, info=""):
        told.append((stage, done, total, info))

    data = make_set(NORMAL, ANOMALOUS)
    protocol = Protocol(4, batch_size=4, gallery=0, curve=[1 / 255, 2 / 255])
    evaluate(bright(noise=0.01), data, protocol=protocol, execution=Execution(progress=listen))
    assert {stage for stage, *_ in told} == {"evaluate"}
    assert len({total for _, _, total, _ in told}) == 1
    done = [d for _, d, _, _ in told]
    assert done == sorted(done)
    assert done[-1] == told[0][2]
    last = done[-2] / told[0][2]  # before "done" is told, all that was planned was spent
    assert last == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("normal", "anomalous"), [(NORMAL, []), ([], ANOMALOUS)])
def test_a_test_set_of_one_kind_is_refused_and_told_what_can_be_done(
    bright, make_set, normal, anomalous
):
    missing = "anomalous" if normal else "normal"
    with pytest.raises(ValueError, match=f"no {missing} image.*synthetic=True"):
        evaluate(bright(), make_set(normal, anomalous), [])


def test_good_parts_alone_are_measured_on_synthetic_defects(bright, parts):
    from hardsight.data import load

    data = load(parts, size=16)
    whole = DetectorSubject.synthetic(bright(), data, seed=1)
    good = int((~data.test.labels).sum())
    assert len(whole) == 2 * good
    assert whole.truth.sum() == good
    images = whole.images
    assert torch.equal(images[:good], data.test.images()[~data.test.labels].float() / 255)
    changed = (images[good:] != images[:good]).flatten(1).any(1)
    assert changed.all()
    detector = bright()
    scores = np.sort(data.validation.images().float().mean((1, 2, 3)).numpy() / 255)
    detector.calibration = Calibration.fit(scores, scores, level=0.5)
    found = evaluate(detector, data, [], synthetic=True, protocol=PLAIN)
    assert any("defects are synthetic" in note for note in found.notes)
    assert found.rows[0].metric == "AUROC"
    wrong = found.decided["clean"][:good] > detector.calibration.threshold
    assert counts(found, "clean")[2:] == (wrong.sum(), good)


@pytest.mark.parametrize("in_test", [True, False])
def test_fewer_good_parts_are_spread_evenly(bright, parts, in_test):
    from hardsight.data import load

    data = load(parts, size=16)
    if not in_test:
        defects = [sample for sample in data.test.samples if sample.anomalous]
        data = replace(data, test=data.test.of(defects))
    part = data.test if in_test else data.validation
    good = [name for name, bad in zip(part.names, part.labels, strict=True) if not bad]
    found = DetectorSubject.synthetic(bright(), with_fewer_good_parts(data, 4))
    assert len(good) > 2
    assert found.names[:2] == (good[len(good) // 4], good[3 * len(good) // 4])
    assert len(found) == 4


def test_decisions_are_counted_on_the_known_noise(bright, make_set):
    data, detector = make_set(NORMAL, ANOMALOUS), bright(noise=20 / 255)
    scores = np.linspace(0.3, 0.4, 20)
    detector.calibration = Calibration.fit(scores, scores, level=0.1)
    found = evaluate(detector, data, [], protocol=PLAIN)
    decided = detector.decide(data.test.images())
    np.testing.assert_allclose(found.decided["clean"], decided.pred_score, rtol=1e-6)
    labels = data.test.labels
    alarm = decided.pred_label.numpy()
    expected = (alarm & labels).sum(), 4, (alarm & ~labels).sum(), 4
    assert counts(found, "clean") == expected


def test_a_curve_and_an_earlier_threshold_are_counted_too(bright, make_set):
    """The best attack of a mean brightness moves every score by the radius."""
    data, detector = make_set(NORMAL, ANOMALOUS), bright()
    scores = np.linspace(0.3, 0.4, 20)
    before, now = (Calibration.fit(s, s, level=0.1) for s in (scores, scores + 0.05))
    detector.calibration = replace(now, under="pgd, L-inf 8/255")
    protocol, record = replace(PLAIN, curve=[8 / 255]), Record(previous=before)
    found = evaluate(detector, data, [], protocol=protocol, record=record)
    clean, labels = found.decided["clean"], data.test.labels
    worst = clean + np.where(labels, -8 / 255, 8 / 255)
    np.testing.assert_allclose(found.decided["L-inf 8/255 (curve)"], worst, atol=1e-6)
    each = {(a.calibrated, a.attack): (a.found, a.false) for a in alarms(found)}
    for how, threshold in (
        ("normals under pgd, L-inf 8/255", now.threshold),
        ("clean normals, before", before.threshold),
    ):
        for attack, values in (("clean", clean), ("L-inf 8/255 (curve)", worst)):
            alarm = values > threshold
            assert each[how, attack] == ((alarm & labels).sum(), (alarm & ~labels).sum())


def test_a_score_tells_what_a_classifier_gets_wrong():
    class Fixed(nn.Module):
        def forward(self, x):
            return torch.stack([x.mean((1, 2, 3)), torch.full((len(x),), 0.5)], 1)

    subject = ClassifierSubject.of(Fixed(), POINTS)
    scores = subject.fresh_scores(subject.batch(0, 12), 0, 3, torch.Generator())
    said = subject.fresh_outputs(subject.batch(0, 12), 3, torch.Generator())
    right = said["mean"].numpy() == subject.truth
    assert np.array_equal(scores < 0, right)
    assert subject.figure(scores) == right.mean()
    assert said["outputs"].shape == (12, 1)  # no noise, one draw


def test_too_few_logits_are_named():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
    with pytest.raises(ValueError, match="a class of 1 needs more than the 1 logits given"):
        evaluate_classifier(model, POINTS, [])


def test_maps_in_half_precision_are_averaged_in_single(bright):
    """Ten draws added up in bfloat16 would be rounded at each."""

    class Halves(bright):
        def forward(self, images, noise=None):
            found = super().forward(images, noise)
            return found._replace(anomaly_map=found.anomaly_map.bfloat16())

    detector = Halves(noise=0.1)
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    subject = DetectorSubject(detector, x, np.array([False, True]))
    found = subject.fresh_outputs(x, 10, torch.Generator().manual_seed(1), maps=True)
    g = torch.Generator().manual_seed(1)
    maps = [detector(x, detector.sample_noise(x, g)).anomaly_map.double() for _ in range(10)]
    torch.testing.assert_close(found["maps"].double(), torch.stack(maps).mean(0).detach())
