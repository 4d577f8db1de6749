"""The figures of an anomaly detector's run behind a purifier."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from hardsight.core.progress import Progress, quiet
from hardsight.core.starts import PURIFIER
from hardsight.data import AnomalyData
from hardsight.detectors.adapters.purification import Purification
from hardsight.detectors.adapters.purified import PurifiedDetector
from hardsight.detectors.advrad.start import Start
from hardsight.detectors.base import Detector
from hardsight.evaluation import DetectorSubject, Evaluation, Protocol, evaluate_purified
from hardsight.evaluation.purified import at_depth, curve_suite
from hardsight.runs.detector import DetectorRun
from hardsight.runs.figures.asked import AttackChoice, ImageChoice, PurifierChoice
from hardsight.runs.figures.detector import DetectorFigures
from hardsight.runs.figures.figures import PlannedEvaluation


class PurifiedFigures(DetectorFigures):
    """Measures a detector behind a purifier, and its AUROC against the purifier's depth.

    Args:
        run: finished.
        purifier: what stands in front.
        device, progress: see ``Figures``.
    """

    def __init__(
        self,
        run: DetectorRun,
        purifier: PurifierChoice,
        device: str = "auto",
        progress: Progress = quiet,
    ) -> None:
        super().__init__(run, device, progress)
        self.purifier = purifier

    @property
    def provenance(self) -> dict[str, str]:
        """What every report says of the run, and of the purifier."""
        own = self.purifier
        return super().provenance | {"purifier": f"{own.form} by {own.source}"}

    def opened(self, images: ImageChoice) -> tuple[Detector, AnomalyData]:
        """Load the detector, behind the purifier of the first depth, and a data set."""
        detector, data = super().opened(images)
        return self.purification(detector).before(detector, self.purifier.depths[0]), data

    def purification(self, detector: Detector) -> Purification:
        """Load the denoiser for a detector's images.

        Raises:
            ValueError: there is none at the source, or the detector's images are not square.
        """
        height, width = detector.size
        if height != width:
            raise ValueError(f"a purifier takes square images, this detector {height} x {width}")
        start = Start.read(self.purifier.source, "--purify", PURIFIER)
        denoiser = start.trained(height).to(detector.device)
        return Purification(denoiser, self.purifier.form)

    def evaluation(
        self, images: ImageChoice, attacks: AttackChoice, protocol: Protocol
    ) -> PlannedEvaluation:
        """Prepare an evaluation at every depth; see ``Figures``."""
        planned = super().evaluation(images, attacks, protocol)
        subject = planned.subject
        assert isinstance(subject, DetectorSubject)
        assert isinstance(subject.model, PurifiedDetector)
        alone = subject.model.detector
        depths = self.purifier.depths
        before, brief = self.purification(alone).before, at_depth(planned.protocol)
        further = {
            f"t* = {depth}": replace(
                planned,
                subject=replace(subject, model=before(alone, depth)),
                suites=[curve_suite(planned.suites)],
                protocol=brief,
            )
            for depth in sorted({0, *depths[1:]} - {depths[0]})
        }
        return replace(planned, further=further)

    def evaluator(self, detector: Detector) -> Callable[..., Evaluation]:
        """Return what evaluates the detector at every depth."""
        assert isinstance(detector, PurifiedDetector)
        alone = detector.detector
        return partial(evaluate_purified, self.purification(alone), self.purifier.depths, alone)
