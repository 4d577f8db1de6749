"""Fit a run, or take it up where it was, attack it, and keep what comes out."""

import json
from collections.abc import Sequence
from typing import Any

from hardsight.attacks import Suite
from hardsight.cli.progress import told
from hardsight.evaluation import Execution, Protocol, Record, evaluate
from hardsight.evaluation.provenance import commit
from hardsight.reports import write_report
from hardsight.runs import SELECTION, DetectorRun
from hardsight.training.logs import read


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
    with told() as progress:
        detector = run.detector() if run.finished else run.fit(progress=progress)
        data = run.data()
        common: dict[str, Any] = {
            "execution": Execution(run.path / "evaluation" / "state", progress=progress),
            "record": Record(provenance={"preset": run.config.preset, "run": run.path.name}),
        }
        whole: dict[str, Any] = {}
        if limit:
            clean = evaluate(detector, data, (), protocol=Protocol(gallery=0), **common).to_json()
            whole = {"clean, all test images": clean["rows"]}
            data = data.limited(limit)
        result = evaluate(detector, data, suites, **common, **options)
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
        "chosen on validation data": json.loads((run.path / SELECTION).read_text())["candidates"][
            0
        ],
        **{part: report[part] for part in parts},
        **whole,
        "test images": len(result.labels),
    }
