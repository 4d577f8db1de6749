import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator, nn

from hardsight.attacks import L2, Linf
from hardsight.attacks.class_suites import FOUR_THREATS, class_suite
from hardsight.data import LabelledImages
from hardsight.evaluation import Curve, Estimate, Execution, Protocol, Record, Row
from hardsight.evaluation.classifiers import accuracy_curve, evaluate_classifier
from hardsight.evaluation.diagnostics import diagnosed, judge_accuracy
from hardsight.evaluation.published import published_accuracy
from hardsight.evaluation.rows import averages
from hardsight.metrics import METRICS, Metric
from hardsight.metrics.metric import exactly
from hardsight.purifiers import Purified, Purifier
from hardsight.reports import write_html, write_json, write_markdown

N = 24
G = Generator().manual_seed(0)
PIXELS = torch.randint(60, 196, (N, 1, 4, 4), generator=G, dtype=torch.uint8)


class Linear(nn.Module):
    """Two classes by the sign of w.x - b."""

    def __init__(self):
        super().__init__()
        w = torch.randn(16, generator=Generator().manual_seed(1))
        self.register_buffer("w", w)
        self.b = float((PIXELS.float().flatten(1) / 255 @ w).median())
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        s = x.flatten(1) @ self.w - self.b
        return torch.stack([-s, s], 1)


class Shake(Purifier):
    def __init__(self, size=0.05):
        super().__init__()
        self.size = size

    def forward(self, images, noise=None):
        return images + self.size * (self.sample_noise(images) if noise is None else noise)

    def sample_noise(self, images, generator=None):
        return torch.randn(images.shape, generator=generator)


MODEL = Linear()
LABELS = MODEL(PIXELS.float() / 255).argmax(1)
LABELS[:3] = 1 - LABELS[:3]  # wrong from the beginning
DATA = LabelledImages("squares", PIXELS, LABELS, ("left", "right"), note="made up")
DISTANCE = (PIXELS.float().flatten(1) / 255 @ MODEL.w - MODEL.b).abs()
EPS = float(DISTANCE.quantile(0.4) / MODEL.w.abs().sum())


def test_a_linear_classifier_has_its_known_accuracy(tmp_path):
    """It stands where |w.x - b| > eps ||w||_1, or eps ||w||_2."""
    wide = float(DISTANCE.quantile(0.6) / MODEL.w.norm())
    suites = [
        class_suite("pgd", "Linf", EPS, steps=10),
        class_suite("autoattack", "Linf", EPS, steps=10, queries=10),
        class_suite("pgd", "L2", wide, steps=10),
    ]
    found = evaluate_classifier(
        Linear(), DATA, suites, protocol=Protocol(batch_size=7), execution=Execution(tmp_path)
    )
    right = torch.arange(N) >= 3
    linf = float((right & (EPS * MODEL.w.abs().sum() < DISTANCE)).float().mean())
    l2 = float((right & (wide * MODEL.w.norm() < DISTANCE)).float().mean())
    values = [r.mean.value for r in found.rows]
    assert values == pytest.approx([21 / 24, linf, linf, l2])
    assert 0.2 < linf < 0.8
    assert [r.attack for r in found.rows] == [
        "clean",
        "pgd",
        "autoattack",
        f"pgd L2 {wide:.4f}",
    ]
    assert found.rows[1].single is None  # no noise, no columns
    assert found.averages[0].all == pytest.approx((linf + l2) / 2)
    again = Linear()
    resumed = evaluate_classifier(
        again, DATA, suites, protocol=Protocol(batch_size=7), execution=Execution(tmp_path)
    )
    assert again.calls == 1 + len(suites)  # each part asks whether it is the same model
    assert [r.mean for r in resumed.rows] == [r.mean for r in found.rows]


def test_noise_columns_of_a_random_classifier():
    model = Purified(Shake(), Linear())
    suite = class_suite("blau-eot", "Linf", EPS, steps=3, draws=3)
    found = evaluate_classifier(model, DATA, [suite], protocol=Protocol(12, gallery=2))
    row, right = found.rows[1], found.outputs["blau-eot"] == LABELS.numpy()[:, None]
    assert right.shape == (N, 12)
    assert row.single.value == pytest.approx(right.mean())
    assert row.worst.value == pytest.approx(right.all(1).mean())
    assert row.worst.value <= row.single.value
    assert row.fixed is not None
    assert row.fresh_draws == 12
    assert row.flags == ("not audited",)
    shown = found.gallery[0]
    assert shown.purified.shape == shown.attacked.shape == (1, 4, 4)
    assert shown.purified_attacked is not None
    again = evaluate_classifier(model, DATA, [suite], protocol=Protocol(12, gallery=2))
    assert np.array_equal(again.outputs["blau-eot"], found.outputs["blau-eot"])


def test_a_purifier_without_noise_is_attacked_on_one_draw():
    class Still(Purifier):
        def forward(self, images, noise=None):
            return images

    suite = class_suite("eot-pgd", eps="2/255")
    still, shaken = (
        evaluate_classifier(Purified(p, Linear()), DATA, [suite], protocol=Protocol(2)).rows[1]
        for p in (Still(), Shake())
    )
    assert "x 1 draw " in still.budget.attacks
    assert "x 4 draws" in shaken.budget.attacks
    assert still.budget.passes < shaken.budget.passes


def test_averages_of_all_and_unseen_threats():
    suites = [class_suite("blau-eot", norm, eps) for norm, eps in FOUR_THREATS]
    values = (0.5105, 0.3776, 0.5075, 0.1923)
    rows = [
        Row("blau-eot", "image", "accuracy", Estimate(v, v, v), norm=norm, eps=eps)
        for v, (norm, eps) in zip(values, FOUR_THREATS, strict=True)
    ]
    (found,) = averages(rows, suites)
    assert found.all == found.unseen == pytest.approx(0.3970, abs=1e-4)  # Table 2, "Ours"
    assert found.published is None
    (beside,) = averages(rows, suites, method="ddim")
    assert beside.published == beside.published_unseen == pytest.approx(0.3970)
    (other,) = averages(rows[:3], suites[:3], method="ddim")
    assert other.published is None  # the paper's is over four threat models
    (seen,) = averages(rows, suites, trained=Linf(8 / 255))
    assert seen.unseen == pytest.approx((0.3776 + 0.5075 + 0.1923) / 3)


def row(attack, value, eps=8 / 255):
    return Row(attack, "image", "accuracy", Estimate(value, value, value), norm="Linf", eps=eps)


def test_what_diagnostics_say():
    said = diagnosed([row("blau-eot", 0.5), row("bpda-eot", 0.8), row("square", 0.45)])
    assert said[0] == (
        "bpda-eot overstates the accuracy under blau-eot by 30.0 points: it is a diagnostic, not "
        "a robust accuracy."
    )
    assert "square is stronger than blau-eot, by 5.0 points" in said[1]
    assert not diagnosed([row("bpda-eot", 0.8), row("blau-eot", 0.5, eps=0.1)])
    late = replace(row("square", 0.45), images=8)  # time ran out
    assert not diagnosed([replace(row("blau-eot", 0.5), images=100), late])


def test_published_figures():
    assert published_accuracy("ddim", "blau-eot", Linf(8 / 255)).value == pytest.approx(0.5105)
    assert published_accuracy("ddim", "clean", None).value == pytest.approx(0.8628)
    assert published_accuracy("ddim", "blau-eot", L2(0.7)) is None
    assert published_accuracy(None, "clean", None) is None


def test_a_curve_and_the_reports(tmp_path):
    suite = class_suite("blau-eot", "Linf", EPS, steps=2, draws=2)
    model = Purified(Shake(), Linear())
    points = accuracy_curve(
        (0.0, 0.3), lambda size: (Purified(Shake(size), Linear()), DATA), protocol=Protocol(4)
    )
    assert points[0][1].value == pytest.approx(21 / 24)
    found = evaluate_classifier(
        model,
        DATA,
        [suite],
        method="ddim",
        protocol=Protocol(4, gallery=3, curve=(EPS,)),
        record=Record(title="A <b>"),
    )
    from dataclasses import replace

    found = replace(
        found, curves=(*found.curves, Curve("Depth", "T*", {"clean": points}, "no attack"))
    )
    page = write_html(found, tmp_path / "a.html").read_text()
    assert "A &lt;b&gt;" in page
    assert page.count("<svg") == 2
    assert page.count("data:image/jpeg") == 15
    assert "made up" in page
    assert "51.05\N{NO-BREAK SPACE}% in Table 2" in page
    text = write_markdown(found, tmp_path / "a.md").read_text()
    assert "| blau-eot |" in text
    kept = json.loads(write_json(found, tmp_path / "a.json").read_text())
    assert kept["rows"][1]["mean"][0] == found.rows[1].mean.value
    assert len(kept["predicted"]["clean"]) == N


def test_time_runs_out():
    suite = class_suite("pgd", "Linf", EPS, steps=2)
    told = []
    late = Execution(max_minutes=0.0, progress=lambda *one: told.append(one[1:3]))
    found = evaluate_classifier(Linear(), DATA, [suite], execution=late)
    assert [r.attack for r in found.rows] == ["clean"]
    assert "Time ran out: pgd covers 0 of 24 images." in found.notes
    assert told
    assert all(done < total for done, total in told)  # what stopped early is not told to be done


def test_another_metric_of_classes_stands_beside_and_averages_are_of_the_main_one(monkeypatch):
    """Always right: it is neither the figure of an attack nor what attacks are compared by."""
    other = Metric("seen", "class", lambda p, y: 1.0, exactly(lambda p, y: 1.0), attacked=True)
    suites = [class_suite("pgd", "Linf", f * EPS, steps=5) for f in (1, 2)]
    plain = evaluate_classifier(Linear(), DATA, suites, protocol=Protocol(gallery=1))
    monkeypatch.setitem(METRICS, "seen", other)
    found = evaluate_classifier(Linear(), DATA, suites, protocol=Protocol(gallery=1))
    assert [r.metric for r in found.rows] == ["accuracy", "seen"] * 3
    assert [(r.attack, r.mean) for r in found.main] == [(r.attack, r.mean) for r in plain.rows]
    assert found.averages == plain.averages
    assert judge_accuracy(found) == judge_accuracy(plain)


def test_half_precision_answers_are_averaged_as_they_are():
    """Means that bfloat16 would round to a tie, which the first class wins."""

    class Halves(Linear):
        draws = 1

        def sample_noise(self, images, generator=None):
            return torch.arange(len(images)) + next(self.count)

        def forward(self, x, noise):
            second = torch.where(noise % 2 == 0, 1.0, 1.0078125)
            return torch.stack([torch.ones(len(x)), second], 1).bfloat16()

    model = Halves()
    model.count = iter(range(100))
    data = LabelledImages("ones", PIXELS[:4], torch.ones(4).long(), ("a", "b"))
    found = evaluate_classifier(model, data, [], protocol=Protocol(2, gallery=0))
    assert found.rows[0].mean.value == 1.0
    assert found.rows[0].single.value == 0.5


def test_images_that_a_classifier_fails_on_are_named_with_the_way_out():
    model = Linear().half()
    with pytest.raises(
        ValueError, match=r"images \(8, 1, 4, 4\) of torch.float32: .*a cast to half"
    ):
        evaluate_classifier(model, DATA, [], protocol=Protocol(batch_size=8))

    class Cast(nn.Module):
        def forward(self, x):
            return model(x.half())

    whole = evaluate_classifier(Cast(), DATA, [], protocol=Protocol(batch_size=8))
    assert whole.rows[0].mean[0] == pytest.approx(1 - 3 / N, abs=1 / N)


def test_a_classifier_may_know_more_classes_than_the_images_have():
    class More(Linear):
        def forward(self, x):
            return torch.cat([super().forward(x), torch.full((len(x), 1), 1e3)], 1)

    found = evaluate_classifier(More(), DATA, [], protocol=Protocol(gallery=2))
    assert found.rows[0].mean.value == 0
    assert [item.said_clean for item in found.gallery] == ["2", "2"]
    assert {item.label for item in found.gallery} <= {"left", "right"}
