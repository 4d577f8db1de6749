"""An honest classifier passes; each masked one is caught by the check meant for it."""

import masked
import misread
import numpy as np
import pytest
import torch
from misread import blobs, purified
from scipy.stats import binomtest

from hardsight.attacks import L2, Linf
from hardsight.attacks.class_suites import class_suite
from hardsight.audit import CHECKS, Audit, Budget, audit
from hardsight.audit.audited import Audited, Terms
from hardsight.audit.outcomes import BlockedError
from hardsight.data import LabelledImages
from hardsight.detectors import gradient_agreement
from hardsight.evaluation import ClassifierSubject, Execution, Protocol, evaluate_classifier
from hardsight.evaluation.provenance import fingerprint
from hardsight.purifiers import Purified
from hardsight.reports import write_html, write_markdown

EPS = 8 / 255


@pytest.fixture(scope="module")
def network():
    return misread.trained().eval()


@pytest.fixture
def classified(tiny):
    """model -> a classifier under audit on 32 blobs."""

    def make(model, ball=None, budget=tiny, data=None, source=None, **terms) -> Audited:
        subject = ClassifierSubject.of(model.requires_grad_(False), data or blobs(), source)
        return Audited(subject, Terms(ball or Linf(EPS), budget, **terms))

    return make


@pytest.mark.parametrize("kind", ["linear", "network", "purified", "purified network"])
def test_an_honest_classifier_passes_all(kind, tiny, network):
    model = {
        "linear": misread.Linear(),
        "network": network,
        "purified": purified(misread.Shake()),
        "purified network": Purified(misread.Shake(0.02), network, draws=2),
    }[kind]
    # of bytes, sums may be equal by chance: of seed 2 no two margins of the linear model are
    found = audit(model.eval(), blobs(seed=2), eps=EPS, budget=tiny)
    assert {c.verdict for c in found.checks} <= {"pass", "skipped"}, found.to_json()
    needed = {"agreement", "bpda", "draws", "fixed", "transfer"}
    if isinstance(model, Purified):
        needed = {"draws"} if model.draws > 1 else set()  # tiny averages no more than it does
    assert {c.name for c in found.of("skipped")} == needed
    assert [c.name for c in found.checks] == list(CHECKS)
    assert found.stamp == ()
    assert found.kind == "classifier"
    assert "this classifier can be trusted" in found.headline
    assert repr(found).startswith(f"Audit({found.title!r}, {found.headline}\n  pass: gradient: ")
    assert found.weights == fingerprint(model)
    assert found.provenance["images"] == "32 of 4 classes"


@pytest.mark.parametrize(
    ("model", "check", "verdict"),
    [
        (misread.Quantised(), "gradient", "fail"),
        (misread.Quantised(), "pixels", "fail"),
        (misread.Quantised(), "unbounded", "fail"),
        (purified(misread.Detached()), "gradient", "fail"),
        (purified(misread.Through()), "gradient", "fail"),
        (purified(misread.Shattering()), "step", "fail"),
        (misread.Rippled(), "step", "fail"),
        (misread.Saturated(), "saturation", "fail"),
        (misread.Probable(), "saturation", "fail"),
        (misread.Fickle(), "agreement", "fail"),
        (misread.trained(10, dropout=0.3).train(), "mode", "fail"),
        (misread.Underflowing(), "precision", "fail"),
        (misread.Secret(), "mode", "fail"),
        (misread.Neighbourly(), "mode", "fail"),
    ],
    ids=lambda v: v if isinstance(v, str) else type(getattr(v, "purifier", v)).__name__,
)
def test_a_masked_classifier_is_caught(model, check, verdict, classified):
    assert CHECKS[check](classified(model)).verdict == verdict


@pytest.mark.parametrize(("gain", "flat"), [(1.0, 0.0), (1e4, 1.0)])
def test_a_loss_that_underflows_is_told_from_one_that_does_not(gain, flat, classified):
    """Of an image read rightly by 104 nats, exp(-margin) is no number in single precision."""
    c = classified(misread.Linear(20 * gain))
    found = CHECKS["saturation"](c)
    assert found.values["images on which the loss has no slope"] == flat
    assert float((c.gradient("ce") == 0).double().mean()) == flat
    assert c.best == ("ce" if not flat else c.best)
    assert c.subject.figure(c.attack(c.apgd("margin")).scores) < 1  # the margin is not blind


def test_ties_in_even_ground_are_no_masking(classified):
    """There a maximum has no slope, and finite differences find none: it is not looked at there."""
    pixels = (90 + 60 * misread.quarters()).to(torch.uint8)
    data = LabelledImages("even", pixels, torch.arange(misread.CLASSES), tuple("abcd"))
    c = classified(misread.Pooling(), data=data)
    index = c.subject.chosen(2)
    assert not gradient_agreement(c.subject.scorer(index), c.x[index], c.generator("any")).exact
    assert CHECKS["gradient"](c).verdict == "pass"


STRONG = Budget("strong", steps=(2, 6), base=6, queries=200)


@pytest.mark.parametrize("check", ["square", "transfer"])
def test_who_knows_less_unmasks_a_shattered_gradient(check, classified):
    source, ball = misread.Linear().requires_grad_(False), Linf(16 / 255)
    rippled = classified(misread.Rippled(), ball, STRONG, source=source)
    assert CHECKS[check](rippled).verdict == "fail"
    honest = classified(misread.Linear(), ball, STRONG, source=source)
    assert CHECKS[check](honest).verdict == "pass"


@pytest.mark.parametrize("check", ["bpda", "transfer"])
def test_going_round_a_purifier_unmasks_it(check, classified):
    """The source is, without another, the classifier behind the purifier."""
    ball = Linf(16 / 255)
    shattering = classified(purified(misread.Shattering()), ball, STRONG)
    assert CHECKS[check](shattering).verdict == "fail"
    assert CHECKS[check](classified(purified(misread.Shake()), ball, STRONG)).verdict == "pass"


def test_luck_is_told_from_robustness(classified):
    """Each draw of noise changes labels, and the mean of ten does not show it."""
    c = classified(misread.Lucky(), Linf(2 / 255))
    assert c.subject.figure(c.known_scores(c.x)) < c.subject.figure(c.clean) - 0.2
    assert CHECKS["fixed"](c).verdict == "warn"


def test_a_head_called_classifier_is_no_other_classifier(classified):
    """As torchvision's networks have one."""
    model = misread.Linear()
    model.classifier = torch.nn.Linear(3, 4)
    assert CHECKS["transfer"](classified(purified(misread.Shake()))).verdict == "pass"
    with pytest.raises(BlockedError, match="No other classifier was given"):
        CHECKS["transfer"](classified(model))


def test_noise_that_is_as_bad_as_the_attack_is_told(classified):
    assert CHECKS["chance"](classified(misread.Linear(), Linf(120 / 255))).verdict == "warn"


def pair():
    """Two classes of the blobs, and a linear classifier of the two."""
    model, both = misread.Linear(), blobs().take([i for i in range(32) if i % 4 < 2])
    model.weights = torch.nn.Parameter(model.weights[:2].detach().clone())
    return model, LabelledImages("pair", both.images, both.labels, ("a", "b"))


@pytest.mark.parametrize("ball", [Linf(4 / 255), L2(0.3)])
def test_the_known_optimum_is_reached(ball, classified):
    """Of a linear margin the best attack gains eps times the dual norm of its weights."""
    model, data = pair()
    c = classified(model, ball, data=data)
    weight = model.weights[0] - model.weights[1]
    gain = ball.eps * float(weight.abs().sum() if isinstance(ball, Linf) else weight.norm())
    found = c.attack(c.apgd("margin", steps=20)).scores
    np.testing.assert_allclose(found - c.clean, gain, rtol=0.01)


def test_figures_are_those_of_the_evaluation():
    """Clean, and under the same attack by the evaluation's own suite, within an image or two."""
    model, data = purified(misread.Shake(0.1)).eval(), blobs(48)
    suite = class_suite("autoattack-rand", "Linf", 12 / 255, steps=10, draws=4, queries=20)
    table = evaluate_classifier(model, data, [suite], protocol=Protocol(gallery=0))
    budget = Budget("own", steps=(5, 10), base=10, draws=(1, 4))
    subject = ClassifierSubject.of(model.requires_grad_(False), data)
    c = Audited(subject, Terms(Linf(12 / 255), budget, batch_size=64))
    assert c.subject.figure(c.clean) == pytest.approx(table.rows[0].mean.value, abs=0.021)
    assert c.subject.figure(c.white.scores) == pytest.approx(table.rows[1].mean.value, abs=0.05)


def test_scores_are_margins_of_mean_logits(classified):
    c = classified(purified(misread.Shake(0.3)), batch_size=10)
    right, logits = np.zeros(len(c.x), bool), []
    labels = torch.from_numpy(c.subject.truth)
    for start, x in c.batches():
        generator = c.generator("fresh", start)
        draws = [c.subject.model(x, c.subject.model.sample_noise(x, generator)) for _ in range(10)]
        mean = torch.stack(draws).mean(0)
        right[start : start + len(x)] = mean.argmax(1) == labels[start : start + len(x)]
        logits.append(mean)
    assert c.subject.figure(c.clean) == right.mean()
    margins = torch.cat(logits) - torch.cat(logits).gather(1, labels[:, None])
    margins.scatter_(1, labels[:, None], -torch.inf)
    np.testing.assert_allclose(c.clean, margins.amax(1), atol=1e-4)


def test_intervals_of_an_accuracy(classified):
    c = classified(misread.Linear())
    scores = np.where(np.arange(32) < 21, -1.0, 1.0)
    exact = binomtest(21, 32).proportion_ci(0.95, "exact")
    assert c.subject.interval(scores) == pytest.approx((21 / 32, exact.low, exact.high))
    assert c.subject.above(c.clean, c.clean) == (0, 0, 0)


def test_a_failed_audit_stamps_and_its_page_speaks_of_classifiers(tiny, tmp_path):
    found = audit(misread.Saturated(), blobs(), eps=EPS, budget=tiny)
    assert [s.split(": ")[1] for s in found.stamp] == ["saturation"]
    assert Audit.read(found.write(tmp_path / "audit.json")) == found
    page = write_html(found, tmp_path / "audit.html").read_text()
    text = write_markdown(found, tmp_path / "audit.md").read_text()
    for said in (page, text):
        assert "Robust figures of this classifier must not be trusted" in said
        assert "detector" not in said
        assert "AUROC" not in said
    assert "accuracy under attack" in page


def test_the_classifier_is_left_as_it_was(tiny):
    model = misread.trained(1, dropout=0.3).train()
    before = torch.random.get_rng_state()
    told = []
    late = Execution(max_minutes=0.0, progress=lambda *one: told.append(one[1:3]))
    found = audit(model, blobs(), eps=EPS, budget=tiny, execution=late)
    assert told
    assert all(done < total for done, total in told)  # what stopped early is not told to be done
    assert model.training
    assert all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), before)
    assert found.due == tuple(CHECKS)
    assert found.stamp == ("audited in part",)


def test_same_seed_same_result(classified):
    def scores(seed: int):
        c = classified(purified(misread.Shake()), seed=seed)
        return c.attack(c.apgd("ce")).scores.tolist()

    assert scores(0) == scores(0) != scores(1)


def test_losses_that_need_more_classes_are_left_out(classified):
    assert "dlr" in classified(misread.Linear()).objectives
    model, data = pair()
    assert classified(model, data=data).objectives == ("ce", "margin")
    c = classified(misread.Linear(), budget=Budget("own", losses=("margin", "dlr-3", "dlr-4")))
    assert c.objectives == ("margin", "dlr-3")


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (misread.Linear(), blobs(3), "at least 4 images, got 3"),
        (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)), blobs(), "a class of 3"),
        (misread.Linear(-20.0), blobs(), "reads none of the images rightly"),
    ],
)
def test_mistakes_get_the_way_out(model, data, message):
    with pytest.raises(ValueError, match=message):
        audit(model, data)


def test_a_classifier_is_no_function_and_no_detector():
    with pytest.raises(TypeError, match=r"an nn\.Module that returns logits.*got function"):
        audit(lambda x: x, blobs())
    with pytest.raises(TypeError, match="got Honest"):
        audit(masked.Honest(), blobs())


def test_batch_statistics_are_left_as_they_were(tiny):
    """A batch norm in train mode counts every image that passes."""
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(1), misread.Linear()).train()
    before = [b.clone() for b in model.buffers()]
    audit(model, blobs(), eps=EPS, budget=tiny, execution=Execution(max_minutes=0.0))
    assert all(torch.equal(a, b) for a, b in zip(before, model.buffers(), strict=True))
