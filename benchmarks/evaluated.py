"""Fit a run, or take it up where it was, attack it, and keep what comes out."""

import json
from collections.abc import Sequence
from typing import Any

from hardsight.attacks import Suite
from hardsight.cli.progress import told
from hardsight.data import AnomalyData
from hardsight.detectors import Detector
from hardsight.evaluation import Evaluation, Execution, Protocol, Record, evaluate
from hardsight.evaluation.provenance import commit
from hardsight.reports import write_report
from hardsight.runs import SELECTION, DetectorRun
from hardsight.training.logs import read


def fitted(run: DetectorRun) -> Detector:
    """Return the detector of a run, fitted here where it was not."""
    if run.finished:
        return run.detector()
    with told() as progress:
        return run.fit(progress=progress)


def measured(
    run: DetectorRun,
    detector: Detector,
    data: AnomalyData,
    suites: Sequence[Suite] = (),
    **options: Any,
) -> Evaluation:
    """Evaluate the detector of a run; finished batches are kept in the run's folder.

    Args:
        run: whose audit stamps the attacked rows.
        detector: of the run.
        data: whose test images.
        suites: of attacks.
        options: of ``evaluate``.
    """
    stamp, _ = run.audited(detector)
    with told() as progress:
        return evaluate(
            detector,
            data,
            suites,
            execution=Execution(run.path / "evaluation" / "state", progress=progress),
            record=Record(
                stamp=stamp, provenance={"preset": run.config.preset, "run": run.path.name}
            ),
            **options,
        )


def evaluated(
    run: DetectorRun,
    suites: Sequence[Suite],
    limit: int | None = None,
    parts: Sequence[str] = ("rows", "curves", "notes"),
    **options: Any,
) -> dict[str, Any]:
    """Return what an evaluation found with all that made it; print the means of its rows.

    The report is left in the run's folder. Of a part of the test images the clean figures are a
    matter of luck, so those of all of them stand beside it.

    Args:
        run: fitted here where it was not.
        suites: of attacks.
        limit: test images, evenly spread; None: all.
        parts: of ``Evaluation.to_json`` that are returned.
        options: of ``evaluate``.
    """
    detector, data = fitted(run), run.data()
    whole: dict[str, Any] = {}
    if limit:
        clean = measured(run, detector, data, protocol=Protocol(gallery=0)).to_json()
        whole = {"clean, all test images": clean["rows"]}
        data = data.limited(limit)
    result = measured(run, detector, data, suites, **options)
    write_report(result, run.path / "evaluation")
    for row in result.rows:
        name = f"{run.path.name:<24} {row.target:<6} {row.metric:<7} {row.attack:<8}"
        print(f"{name} {row.mean.value:.3f}")
    report = result.to_json()
    stages = sorted((run.path / "training").glob("**/train.jsonl"))
    last = {log.parent.name: read(log)[-1] for log in stages}
    return {
        "provenance": report["provenance"] | {"evaluated at": commit()},
        "training": {
            stage: {"steps": r.step, "seconds": round(r.seconds, 1)} for stage, r in last.items()
        },
        "chosen on validation data": _chosen(run),
        **{part: report[part] for part in parts},
        **whole,
        "test images": len(result.labels),
    }


def _chosen(run: DetectorRun) -> Any:
    """Return the best candidate of a run's selection; None where nothing was chosen."""
    path = run.path / SELECTION
    return json.loads(path.read_text())["candidates"][0] if path.exists() else None
