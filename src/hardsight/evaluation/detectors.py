"""The evaluation of a detector."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hardsight.attacks import Suite, build_suite
from hardsight.data import AnomalyData, load
from hardsight.detectors import Calibration, Detector, as_detector
from hardsight.evaluation.gallery import attack_of, detector_items
from hardsight.evaluation.plan import Execution, Protocol, Record
from hardsight.evaluation.protocol import Measurement, demand_suites
from hardsight.evaluation.results import Evaluation
from hardsight.evaluation.subjects import DetectorSubject
from hardsight.evaluation.verdict import strongest

CURVE_EPS = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
USUAL, EXECUTION, RECORD = Protocol(curve=CURVE_EPS), Execution(), Record()


def evaluate(
    detector: Detector,
    data: AnomalyData | str | Path,
    suites: Sequence[Suite] | None = None,
    *,
    eps: str | float = "2/255",
    norm: str = "Linf",
    source: Detector | None = None,
    synthetic: bool = False,
    protocol: Protocol = USUAL,
    execution: Execution = EXECUTION,
    record: Record = RECORD,
) -> Evaluation:
    """Measure a detector on the test set, clean and under attack.

    The detector is measured in eval mode, and left as it was.

    Args:
        detector: fitted.
        data: its ``test`` set is used, and nothing else; or a folder in a known layout.
        suites: attacks to run; default ``pgd`` and ``eot-pgd`` in ``norm`` at ``eps``. Those of
            the map give pixel figures and need masks.
        eps, norm: the threat model of the default attacks; that of the curve is ``norm``.
        source: another detector, on which suites of transferred attacks are crafted.
        synthetic: take synthetic defects on good parts that training never saw, instead of the
            test set's: for data without defects.
        protocol: draws, seed, batches, gallery and curve.
        execution: where it is kept, how long it may take, whom it tells.
        record: what the report says besides.

    Raises:
        ValueError: a test set without both normal and anomalous images; a suite that the detector
            cannot be attacked by, see ``Suite.demand``, or of the map without masks; scores that
            change from call to call on the same noise.
        TypeError: no detector, no data set, or suites by name alone.
    """
    detector, data = matched(detector, data)
    if suites is None:
        suites = [build_suite(n, norm, eps) for n in ("pgd", "eot-pgd")]
    demand_suites(suites, "build_suite")
    for suite in suites:
        suite.demand(detector, source)
    subject = (
        DetectorSubject.synthetic(detector, data, source, protocol.seed)
        if synthetic
        else DetectorSubject.of(detector, data, source)
    )
    with subject.at_rest():
        if on_map := [suite.name for suite in suites if suite.on_map]:
            _demand_masks(subject, on_map)
            subject = subject.with_maps(protocol.seed)
        made = Measurement(subject, suites, norm, protocol, execution, record)
        found = made.run()
        result = made.result(found)
        calibration = detector.calibration
        result = replace(
            result,
            names=subject.names,
            threshold=calibration.threshold if calibration else None,
            thresholds=_thresholds(calibration, record.previous),
            false_alarm_level=calibration.level if calibration else None,
            held_out=calibration.clean_scores if calibration else (),
            notes=(
                *result.notes,
                *_uncovered(subject, suites),
                *([calibration.statement] if calibration else []),
            ),
        )
        name = strongest(result)
        row = next((row for row in result.rows if row.attack == name), None)
        worst = found.attacked[row.attack] if row else None
        return replace(
            result,
            gallery=detector_items(subject, made.shown, found.clean, worst, protocol.seed),
            gallery_attack=attack_of(row),
        )


def _thresholds(now: Calibration | None, before: Calibration | None) -> dict[str, float]:
    """Return what each threshold was set on -> the threshold, the detector's own first."""
    if now is None:
        return {}
    found = {now.source: now.threshold}
    if before is not None and before.threshold != now.threshold:
        found[f"{before.source}, before"] = before.threshold
    return found


def _demand_masks(subject: DetectorSubject, on_map: Sequence[str]) -> None:
    """Refuse attacks of the map, by their names, where there is none or no masks to aim by.

    Raises:
        ValueError: naming what is missing.
    """
    if subject.masks is not None:
        return
    if subject.model.has_maps:
        lacks = "a mask of every anomalous test image"
    else:
        lacks = f"a map, and {type(subject.model).__name__} gives scores alone"
    raise ValueError(
        f"suites {', '.join(on_map)} attack the map, which takes {lacks}; leave them out"
    )


def _uncovered(subject: DetectorSubject, suites: Sequence[Suite]) -> list[str]:
    if subject.masks is None or any(s.on_map for s in suites):
        return []
    return ["Localisation was measured on clean images only: no attack aimed at the map."]


def matched(
    detector: Any, data: AnomalyData | str | Path, image_size: int | None = None
) -> tuple[Detector, AnomalyData]:
    """Return anything that scores images as a detector, and the data set as it takes images.

    Args:
        detector: see ``as_detector``.
        data: a data set, or a folder in a known layout.
        image_size: of a model that does not say; None: that of the data set.
    """
    if not isinstance(data, AnomalyData | str | Path):
        raise TypeError(
            f"data must be a data set or its folder, got {type(data).__name__}; load(folder) "
            "returns one, and a classifier's labelled images go to evaluate_classifier"
        )
    if image_size is None and isinstance(data, AnomalyData) and not isinstance(detector, Detector):
        image_size = data.test.size
    victim = as_detector(detector, image_size)
    if isinstance(data, AnomalyData):
        return victim, data
    how = victim.decoding
    return victim, load(data, size=victim.image_size, bits=how.bits, aspect=how.aspect)


def attack(
    detector: Any,
    data: AnomalyData | str | Path,
    suite: str = "autoattack-rand",
    eps: str | float = "2/255",
    norm: str = "Linf",
    budget: str = "fast",
    image_size: int | None = None,
    **options: Any,
) -> Evaluation:
    """Attack any detector on a test set, and return the table.

    Args:
        detector: this project's, an anomalib model, or any module or function that returns scores
            or (scores, maps); see ``as_detector``. One whose score has no gradient is refused; one
            whose gradient is not the true one is found by ``audit``.
        data: a data set, or a folder in a known layout; read at the detector's image size.
        suite: one of ``hardsight.attacks.attack_names("detector")``.
        eps, norm: the threat model, at the resolution the detector is given; a curve has the norm,
            too.
        budget: "fast" or "full".
        image_size: of a model that does not say; None: that of the data set.
        options: of ``evaluate``, e.g. ``execution=Execution("state")`` to go on after a kill.

    Examples:
        >>> from hardsight import attack
        >>> attack(my_model, "photos/bottle", "eot-pgd", image_size=256).rows  # doctest: +SKIP
    """
    victim, images = matched(detector, data, image_size)
    plan = build_suite(suite, norm, eps, budget)
    chosen: dict[str, Any] = {"norm": norm, "protocol": Protocol(gallery=0)} | options
    return evaluate(victim, images, [plan], **chosen)
