"""The run folder of a classifier, plain or behind a purifier."""

import inspect
import time
from collections.abc import Callable
from pathlib import Path

from torch import nn

from hardsight.config import ClassifierConfig, load_labelled
from hardsight.core.devices import pick_device
from hardsight.core.progress import Progress, quiet
from hardsight.core.words import quoted
from hardsight.data import LabelledImages, Part
from hardsight.evaluation.wording import radius
from hardsight.runs.card import About
from hardsight.runs.defended import (
    Place,
    check_labelled,
    defended,
    fit_classifier,
    recorded_parts,
    smoothed,
)
from hardsight.runs.folder import MANIFEST, METRICS, RunFolder, alone
from hardsight.runs.metrics import took, write_metrics

LOADING = """from hardsight import open_run

classifier = open_run("THIS FOLDER").classifier()
logits = classifier(images)  # (B, C, H, W) in [0, 1] -> (B, K)"""
"""What a card says of how to use a classifier."""


class ClassifierRun(RunFolder[ClassifierConfig]):
    """A run of a classifier: ``RunFolder`` with ``classifier/`` for the weights.

    ``adapter/`` or ``denoiser/`` where something stands in front of it.

    Args:
        path, config: see ``RunFolder``.
        behind: loads the other run's classifier that stands behind the purifier; None: it is
            trained here.
    """

    subject = "classifier"

    def __init__(
        self,
        path: Path,
        config: ClassifierConfig,
        behind: Callable[[], nn.Module] | None = None,
    ) -> None:
        super().__init__(path, config)
        self._behind = behind

    def labelled(
        self,
        part: Part = "test",
        path: str | Path | None = None,
        allow_data_change: bool = False,
    ) -> LabelledImages:
        """Load a part of the run's labelled images unchanged, or of those at ``path``.

        Raises:
            ManifestChanged: the run's own changed since it was made.
        """
        place = self.config.data
        if path is not None:
            return load_labelled(place.model_copy(update={"path": str(path)}), part)
        found = load_labelled(place, part)
        check_labelled(part, found, self.path / MANIFEST, allow_data_change)
        return found

    @alone
    def fit(
        self, device: str = "auto", allow_data_change: bool = False, progress: Progress = quiet
    ) -> nn.Module:
        """Train the classifier and what stands in front of it; goes on where it was interrupted."""
        computing = pick_device(device)  # refused before images are read
        data = self.labelled("train", None, allow_data_change)
        self.labelled("test", None, allow_data_change)  # recorded, and there
        begun = time.perf_counter()
        fit_classifier(self.config, data, Place(self.path, computing, progress), self._behind)
        training = self.config.training.precision_choice
        write_metrics(self.path / METRICS, begun, computing, training)
        self.renew_card()
        return self.classifier(device)

    def remarks(self) -> list[str]:
        """Return what can be done with the fitted classifier."""
        return [f"Next: hardsight evaluate {quoted(self.path)}"]

    def model(self, device: str = "auto") -> nn.Module:
        """Load the fitted classifier, defended."""
        return self.classifier(device)

    def about(self) -> About:
        """Return what the card says of a classifier."""
        parts = recorded_parts(self.path / MANIFEST)
        trained = self.config.trained_on
        threat = radius(trained.name, trained.eps) if trained else "no attack"
        return About(
            f"{self.config.method}: {(inspect.getdoc(type(self.config)) or '').splitlines()[0]}",
            LOADING,
            tuple(
                f"{part}: {one['images']} images of {one['name']}, SHA-256 {one['sha256']}"
                for part, one in parts.items()
            ),
            ("It names one of the classes that it was trained on, whatever the image shows.",),
            facts={
                "preset": self.config.preset,
                "trained on attacks": threat,
                **took(self.path / METRICS),
            },
        )

    def classifier(self, device: str = "auto", sigma: float | None = None) -> nn.Module:
        """Load the fitted classifier, defended: ``Purified`` where something stands before it.

        Args:
            device: where.
            sigma: as a certificate smooths it: images come with noise of ``sigma`` in them.

        Returns:
            images (B, C, H, W) -> logits (B, K), in eval mode.

        Raises:
            RunError, ValueError: the run is unfinished; ``sigma`` does not fit it.
        """
        self.check_finished()
        config, path = self.config, self.path
        made = defended(config, path) if sigma is None else smoothed(config, path, sigma)
        return made.to(pick_device(device)).eval()
