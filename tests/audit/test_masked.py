"""An honest detector passes; each masked one is caught by the check meant for it."""

import masked
import pytest
import torch
from masked import pictures

from hardsight.attacks import Linf
from hardsight.audit import CHECKS, Budget, audit
from hardsight.data import load
from hardsight.detectors import AdvRAD, AdvRADFit, Scoring
from hardsight.evaluation import DetectorSubject, Execution
from hardsight.training import Settings

EPS = 4 / 255


@pytest.mark.parametrize("kind", [masked.Honest, masked.Noisy, masked.Linear])
def test_an_honest_detector_passes_all(kind, tiny):
    found = audit(kind().eval(), pictures(), eps=EPS, budget=tiny)
    assert {c.verdict for c in found.checks} <= {"pass", "skipped"}, found.headline
    assert found.passed
    assert found.stamp == ()
    noisy = kind is masked.Noisy
    needed = {"transfer", "bpda"} | ({"agreement", "draws", "fixed"} if not noisy else set())
    assert {c.name for c in found.of("skipped")} == needed
    assert [c.name for c in found.checks] == list(CHECKS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda x, y: (x, 2 * y.long() - 1), r"labels must .* 0 and 1"),
        (lambda x, y: (255 * x, y), r"images must be finite and in \[0, 1\]"),
        (lambda x, y: (x[0], y), r"images must have shape \(B, C, H, W\)"),
    ],
)
def test_images_and_labels_of_another_form_are_refused(changed, message, tiny):
    with pytest.raises(ValueError, match=message):
        audit(masked.Honest().eval(), changed(*pictures()), eps=EPS, budget=tiny)


def test_a_small_trained_advrad_passes_all(parts):
    data = load(parts, size=16)
    denoiser = {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2}
    detector = AdvRAD(denoiser, 16, Scoring(filter_size=3, draws=1), precision="fp32")
    training = Settings(steps=20, precision="32-true", accelerator="cpu")
    detector = detector.fit(data, AdvRADFit(training=training))
    small = Budget("small", ("score",), (1, 3), 3, (1,), (1, 2), (4,), queries=6, gradients=4)
    found = audit(detector, data, eps="8/255", budget=small)
    assert {c.verdict for c in found.checks} <= {"pass", "skipped"}, found.to_json()
    assert {c.name for c in found.of("skipped")} == {"transfer"}


@pytest.mark.parametrize(
    ("kind", "check", "verdict"),
    [
        (masked.Quantised, "gradient", "fail"),
        (masked.Quantised, "pixels", "fail"),
        (masked.Straight, "gradient", "fail"),
        (masked.DetachedReconstruction, "gradient", "fail"),
        (masked.NoGrad, "gradient", "fail"),
        (masked.Saturated, "saturation", "fail"),
        (masked.Rippled, "step", "fail"),
        (masked.Hashed, "continuity", "fail"),
        (masked.Quantised, "continuity", "fail"),
        (masked.Straight, "continuity", "fail"),
        (masked.Honest, "continuity", "pass"),
        (masked.Noisy, "continuity", "pass"),
        (masked.OnePixel, "continuity", "pass"),
        (masked.Scattered, "agreement", "fail"),
        (masked.OnePixel, "pixels", "warn"),
        (masked.Dropping, "mode", "fail"),
        (masked.Underflowing, "precision", "fail"),
        (masked.Secret, "mode", "fail"),
        (masked.Neighbourly, "mode", "fail"),
        (masked.Meddling, "zero", "fail"),
    ],
)
def test_a_masked_detector_is_caught(kind, check, verdict, audited):
    c = audited(kind(), Linf(EPS))
    c.subject.model.train(kind is masked.Dropping)
    assert CHECKS[check](c).verdict == verdict


def test_gradients_that_end_under_attack_fail_the_audit(tiny):
    """The brightest pixel is below the limit in clean images, and above it in attacked ones."""
    images, labels = pictures()
    limit = float(images.max()) + EPS / 2
    found = audit(masked.Ending(limit).eval(), (images, labels), eps=EPS, budget=tiny)
    assert found["gradient"].verdict == "pass"
    assert found["steps"].verdict == "fail"
    assert "non-finite gradients (NaN or infinity) on " in found["steps"].sentence
    assert not found.passed


def test_gradients_that_are_never_finite_fail_the_audit_and_do_not_end_it(tiny):
    """Only clean images of the second batch have none, so that the first one tells of nothing."""
    images, labels = pictures()
    limit = float(images[:8].max()) + EPS / 4
    found = audit(masked.Ending(limit).eval(), (images, labels), eps=EPS, budget=tiny)
    assert {found[name].verdict for name in ("pixels", "step", "steps")} == {"fail"}
    assert "the gradient of the objective is not finite" in found["pixels"].sentence


def test_scores_at_the_end_of_their_scale_are_not_called_rounded_or_led_astray(tiny):
    """The defects have no slope; that of the good parts is the true one."""
    images, labels = pictures()
    cap = float(masked.Honest()(images).pred_score.detach().mean())
    found = audit(masked.Capped(cap).eval(), (images, labels), eps=EPS, budget=tiny)
    assert found["gradient"].verdict == "fail"
    assert "On 50 % of the images compared the score has no slope" in found["gradient"].sentence
    assert found["precision"].verdict == "pass"
    assert found["precision"].values["cosine with full precision"] == pytest.approx(1)
    assert found["saturation"].verdict == "fail"


def strong(queries: int) -> Budget:
    return Budget("strong", ("score",), (2, 6), 6, queries=queries)


def test_a_random_search_unmasks_a_shattered_gradient(audited):
    assert (
        CHECKS["square"](audited(masked.Rippled(), Linf(24 / 255), strong(200))).verdict == "fail"
    )
    assert CHECKS["square"](audited(masked.Linear(), Linf(24 / 255), strong(200))).verdict == "pass"


def test_an_attack_from_elsewhere_unmasks_a_shattered_gradient(audited):
    source = masked.Linear().eval().requires_grad_(False)
    ball = Linf(8 / 255)
    assert CHECKS["transfer"](audited(masked.Rippled(), ball, source=source)).verdict == "fail"
    assert CHECKS["transfer"](audited(masked.Linear(), ball, source=source)).verdict == "pass"


def test_going_round_a_part_unmasks_it(audited):
    ball = Linf(8 / 255)
    assert CHECKS["bpda"](audited(masked.Bypassed(2e-4), ball, strong(3))).verdict == "fail"
    assert CHECKS["bpda"](audited(masked.Bypassed(), ball, strong(3))).verdict == "pass"


def test_an_attack_that_never_wins_is_suspicious(audited):
    """Rounding stops every step; even a start far away leaves a large spot brighter."""
    large = pictures(first=3, last=11, contrast=0.3)
    ball = Linf(EPS)
    assert CHECKS["unbounded"](audited(masked.RoundedLinear(), ball, shown=large)).verdict == "fail"
    assert CHECKS["unbounded"](audited(masked.Linear(), ball, shown=large)).verdict == "pass"


def test_luck_is_told_from_robustness(audited):
    """A random slope harms only when its draw is known."""
    found = CHECKS["fixed"](audited(masked.Lucky(), Linf(2 / 255)))
    assert found.verdict == "warn"
    assert "who knows the detector's noise does much more harm" in found.sentence


def test_what_a_single_draw_ranks_worse_is_no_merit_of_an_attacker_who_knows_it(audited):
    """The noise drowns defects in each draw, and not in the mean of ten; no image moves it."""
    c = audited(masked.Drowned(), Linf(0.1 / 255), shown=pictures(32))
    assert c.subject.figure(c.known_scores(c.x)) < c.subject.figure(c.clean) - 0.1
    found = CHECKS["fixed"](c)
    assert found.verdict == "warn"
    assert "On a single draw of noise the AUROC is much lower" in found.sentence


def test_a_fragile_detector_is_told_from_an_attacked_one(audited):
    """Noise of 96/255 drowns the spot; where the gradient is lost, it does more than the attack."""
    assert CHECKS["chance"](audited(masked.Honest(), Linf(96 / 255))).verdict == "warn"


def test_a_failed_audit_stamps(tiny):
    found = audit(masked.NoGrad().eval(), pictures(), eps=EPS, budget=tiny)
    assert not found.passed
    assert found.stamp[0].startswith("unreliable: gradient: No gradient leads")
    needing = {"pixels", "step", "precision", "unbounded", "monotone", "steps", "square"}
    assert all(found[name].verdict == "skipped" for name in needing)
    assert found["mode"].verdict == found["zero"].verdict == "pass"


def test_the_detector_is_left_as_it_was(tiny):
    detector = masked.Dropping()
    before = torch.random.get_rng_state()
    found = audit(detector, pictures(), eps=EPS, budget=tiny, execution=Execution(max_minutes=0.0))
    assert detector.training
    assert detector.weight.requires_grad
    assert torch.equal(torch.random.get_rng_state(), before)
    assert {c.verdict for c in found.checks} == {"skipped"}
    assert "Out of time" in found["gradient"].sentence
    assert found.due == tuple(CHECKS)
    assert found.stamp == ("audited in part",)  # nothing failed, and nothing is known


def test_same_seed_same_result(audited):
    def scores(seed: int):
        c = audited(masked.Noisy(), Linf(EPS), seed=seed)
        return c.attack(c.apgd("score")).scores.tolist()

    assert scores(0) == scores(0) != scores(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": "huge"}, "choose from quick, default, full"),
        ({"eps": 0}, "above 0"),
        ({"images": 0}, "images must be at least 1, got 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, got -1"),
        ({"eps": "8"}, "did you mean 8/255"),
        ({"norm": "L3"}, "choose from Linf, L2"),
        ({"norm": "light"}, "on the figures of every threat; choose from Linf, L2"),
    ],
)
def test_mistakes_get_the_way_out(arguments, message):
    with pytest.raises(ValueError, match=message):
        audit(masked.Honest(), pictures(), **arguments)


def test_both_labels_of_images_are_needed():
    images, labels = pictures()
    with pytest.raises(ValueError, match="at least 2 normal and 2 anomalous"):
        audit(masked.Honest(), (images, torch.zeros_like(labels)))
    with pytest.raises(ValueError, match="16 images but 3 labels"):
        DetectorSubject(masked.Honest(), images, labels.numpy()[:3])
