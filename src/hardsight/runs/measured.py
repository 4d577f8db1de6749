"""What was measured of a run's model, read from the reports in its folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardsight.attacks import BALLS, THREATS
from hardsight.core.json_files import read_json
from hardsight.evaluation.results import Row
from hardsight.reports.certified_words import promised
from hardsight.reports.page import bullets, markdown_table
from hardsight.reports.tables import joined, table_row

WEIGHTS = "weights of the run"
"""What a certificate has beside the weights of the smoothed model."""
EVALUATION, CERTIFICATE = "evaluation/report.json", "certificate/certificate.json"
HEADS = {
    "attack": "Attack",
    "ball": "Perturbation",
    "target": "Aimed at",
    "metric": "Metric",
    "mean": "Figure",
    "worst": "Worst draw",
    "images": "Images",
    "budget": "Budget",
    "flags": "Flags",
}
"""Columns of a report's table that a card shows, with its words."""


@dataclass(frozen=True)
class Measured:
    """The reports of the weights that a run holds now; None: none is there.

    A report of other weights, or of the model behind a purifier, is none of these.
    """

    evaluation: dict[str, Any] | None
    certificate: dict[str, Any] | None
    audit: str
    """What an audit of these weights found, or that there is none and how to make it."""
    audited: bool

    @classmethod
    def read(
        cls, folder: Path, weights: str, audit: tuple[tuple[str, ...] | None, str]
    ) -> "Measured":
        """Read the reports below ``folder``.

        Args:
            folder: of the run, or the one beside its bundle.
            weights: ``fingerprint`` of the model.
            audit: what ``RunFolder.audited`` returns.

        Raises:
            ValueError: a report is damaged.
        """
        stamp, sentence = audit
        evaluation = _report(folder / EVALUATION, weights)
        return cls(evaluation, _report(folder / CERTIFICATE, weights), sentence, stamp is not None)

    @property
    def rows(self) -> list[Row]:
        """The figures of the evaluation."""
        return [Row.parse(row) for row in (self.evaluation or {"rows": []})["rows"]]

    def figures(self) -> list[str]:
        """Return the lines of Markdown that show every figure with its attack and its images."""
        lines = []
        if self.evaluation is not None:
            told = self.evaluation["provenance"]
            cells = [{k: joined(c) for k, c in table_row(r).items()} for r in self.rows]
            shown = [k for k in HEADS if any(c[k] != "-" for c in cells)]
            lines += [f"On {told['data']}; hardsight {told['hardsight']}.", ""]
            lines += markdown_table(
                [HEADS[k] for k in shown], [[c[k] for k in shown] for c in cells]
            )
            lines += ["", *bullets(self.evaluation["notes"])]
        for one in _certificates(self.certificate):
            lines += ["", *_certified(one)]
        if self.audited:
            lines += ["", self.audit]
        return lines or ["Nothing was measured yet."]

    def gaps(self) -> list[str]:
        """Return the lines of Markdown that say what was not measured, and how to."""
        return bullets(self._gaps())

    def _gaps(self) -> Iterator[str]:
        if self.evaluation is None:
            yield "What it gets right, left alone and attacked: hardsight evaluate RUN"
        else:
            tried = {row.norm for row in self.rows if row.norm}
            missing = [name for name in (*BALLS, *THREATS) if name not in tried]
            yield (
                "Attacks under other threats, or larger ones, than those above: hardsight evaluate "
                f"RUN --threat NAME --eps RADIUS, with {', '.join(missing)}"
            )
        if not self.audited:
            yield f"Whether figures under attack can be believed. {self.audit}"
        if self.certificate is None:
            yield "What no perturbation within a radius can change: hardsight certify RUN"
        yield "Other cameras, sites, suppliers and seasons than those of the images above."


def _report(path: Path, weights: str) -> dict[str, Any] | None:
    """Return a report of these weights; None where there is none."""
    if not path.is_file():
        return None

    def of_these(found: dict[str, Any]) -> dict[str, Any] | None:
        told = [one["provenance"] for one in _certificates(found) or [found]]
        return found if {one.get(WEIGHTS, one["weights"]) for one in told} == {weights} else None

    return read_json(path, "remove it, or measure again", of_these)


def _certificates(report: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return the certificates of a report: of a detector one a design, of a classifier one."""
    if report is None or "scores" in report or "predicted" in report:
        return []
    found: list[dict[str, Any]] = report.get("certificates", [report])
    return found


def _certified(one: dict[str, Any]) -> list[str]:
    """Return the lines that show one certificate's figures at its radii."""
    terms, images = one["terms"], len(one.get("labels") or one["images"])
    measure = "accuracy" if "images" in one else "auroc"
    of = f"Certified by {terms['n']} noisy copies (sigma {terms['sigma']:g}) of {images} images"
    rows = [[f"{row['radius']:g}", promised(row[measure], measure)] for row in one["rows"]]
    name = "accuracy" if measure == "accuracy" else "AUROC"
    head = f"{of}, confidence {1 - terms['alpha']:g} an image:"
    return [head, "", *markdown_table(["L2 radius", f"Certified {name}"], rows)]
