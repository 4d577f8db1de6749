"""A detector on a test set."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import SURROGATES, MapVictim, ScoreVictim, Suite, Victim
from hardsight.core.batches import at_least_single
from hardsight.data import AnomalyData, ImageSet, published_category
from hardsight.data.findings import skipped
from hardsight.data.splits import evenly
from hardsight.detectors import Detector
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.provenance import digest_of
from hardsight.evaluation.published import Published, published_auroc
from hardsight.evaluation.results import Estimate
from hardsight.evaluation.subjects.quick import quick_pgd
from hardsight.evaluation.subjects.subject import Scores, Subject
from hardsight.evaluation.subjects.synthetic import demand_defects, synthetic_defects
from hardsight.metrics import auroc, auroc_difference, bootstrap
from hardsight.metrics.metric import Target

NAMED = 5
"""Images named in a note; of more, how many there are."""


@dataclass(frozen=True, eq=False)
class DetectorSubject(Subject):
    """A detector: its scores are the outputs, and AUROC the figure.

    Args:
        model: fitted.
        images: (N, 3, H, W) uint8, or float in [0, 1].
        truth: (N,) true = anomalous.
        source: another detector, for transferred attacks.
        data, digest, facts, notes: see ``Subject``.
        names: (N,) of the images.
        masks: (N, 1, H, W) bool; None: localisation is neither measured nor attacked.
        files: where single masks are, of images that do not all have one.
        maps: (N, 1, H, W) of the clean images, by which attacks of maps scale; see ``with_maps``.
        category: of a published data set, whose figures stand beside; None: it is none.

    Raises:
        ValueError: another number of labels than of images.
    """

    kind = "detector"
    target = "image"
    measure = "AUROC"
    counted = "pairs in order"
    answer = "score"
    judged = "score"
    surrogates = tuple(SURROGATES)

    model: Detector
    images: Tensor
    truth: NDArray[np.bool_]
    source: Detector | None = None
    data: str = ""
    digest: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    masks: Tensor | None = None
    files: ImageSet | None = None
    maps: NDArray[np.float32] | None = None
    category: str | None = None

    def __post_init__(self) -> None:
        if len(self.images) != len(self.truth):
            raise ValueError(f"{len(self.images)} images but {len(self.truth)} labels")

    @classmethod
    def of(cls, model: Detector, data: AnomalyData, source: Detector | None = None) -> Self:
        """Take the test set of a data set, and nothing else of it.

        Raises:
            ValueError: it has no defects, or no good parts; the message says what can be done.
        """
        labels, test = demand_defects(data), data.test
        bare = [s.anomalous and not s.masks for s in test.samples]
        return cls(
            model,
            test.images(),
            labels,
            source,
            names=tuple(test.names),
            masks=test.masks() if model.has_maps and not any(bare) else None,
            files=test,
            notes=(*skipped(data), *_without_mask(test.names, bare)),
            category=published_category(data),
            **_record(data, labels),
        )

    @classmethod
    def synthetic(
        cls, model: Detector, data: AnomalyData, source: Detector | None = None, seed: int = 0
    ) -> Self:
        """Take good parts that training never saw, and synthetic defects on them."""
        made = synthetic_defects(data, seed)
        return cls(
            model,
            made.images,
            made.labels,
            source,
            names=made.names,
            masks=made.masks if model.has_maps else None,
            notes=(*skipped(data), made.note),
            **_record(data, made.labels, f", synthetic defects of seed {seed}"),
        )

    def some(self, count: int) -> Self:
        """Return this subject with ``count`` of its images, half of them anomalous."""
        at = self.chosen(count)
        return replace(
            self,
            images=self.images[at],
            truth=self.truth[at],
            names=tuple(self.names[i] for i in at),
            masks=None if self.masks is None else self.masks[at],
        )

    def with_images(self, images: Tensor) -> Self:
        """Return this subject with other images in place of these."""
        return replace(self, images=images)

    @property
    def threshold(self) -> float | None:
        """The calibrated threshold; None: the detector has none."""
        return self.model.calibration.threshold if self.model.calibration else None

    @property
    def device(self) -> torch.device:
        """Where the detector computes."""
        return self.model.device

    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images as the detector takes them; it says what it cannot take."""
        return self.model.prepare(images)

    @torch.no_grad()
    def with_maps(self, seed: int) -> Self:
        """Return this subject with the maps of its clean images, one draw, where it has masks."""
        if self.masks is None:
            return self
        generator = torch.Generator(self.device).manual_seed(seed)
        found = self.model.predict(self.images, generator).anomaly_map
        return replace(self, maps=found.float().numpy())

    def mask(self, index: int) -> Tensor | None:
        """Return the mask (H, W) bool of an anomalous image; None where none is known."""
        if not self.truth[index]:
            return None
        if self.masks is not None:
            return self.masks[index, 0]
        found = self.files[index].mask if self.files else None
        return None if found is None else found[0]

    def victim(self, start: int, count: int, on_map: bool = False) -> Victim:
        """Return the score, or the map, of some images.

        Raises:
            ValueError: an attack of the map without masks.
        """
        part = slice(start, start + count)
        if not on_map:
            labels = torch.from_numpy(self.truth[part]).to(self.device)
            return ScoreVictim(self.model, labels, self.threshold, self.source)
        if self.masks is None or self.maps is None:
            raise ValueError("an attack of the map needs a mask of every anomalous image")
        high = float(np.quantile(self.maps[:, :, ::4, ::4], 0.95))
        scale = max(float(self.maps.std()), 1e-12)
        return MapVictim(self.model, self.masks[part].to(self.device), high, scale, self.source)

    @torch.no_grad()
    def outputs(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Return scores (B,) of images (B, C, H, W)."""
        return self.scores(x, noise, 0)

    @torch.no_grad()
    def fresh_outputs(
        self, x: Tensor, draws: int, generator: torch.Generator, maps: bool = False
    ) -> Tensors:
        """Score images on independent noise, see ``Subject``."""
        columns, total, one = [], torch.zeros(()), torch.zeros(())
        draws = draws if self.random else 1
        for draw in range(draws):
            noise = self.model.sample_noise(x, generator)
            found = (self.model if maps else self.model.score_only)(x, noise)
            columns.append(found.pred_score.cpu())
            if maps:
                drawn = at_least_single(found.anomaly_map).cpu()
                one, total = drawn if draw == 0 else one, total + drawn / draws
        result = {"outputs": torch.stack(columns, dim=1)}
        if maps:
            result |= {"maps": total} | ({"maps of one draw": one} if draws > 1 else {})
        return result

    @torch.no_grad()
    def decided(self, x: Tensor) -> Tensor | None:
        """Return scores (B,) on the known noise; None where there is no threshold."""
        if self.model.calibration is None:
            return None
        return self.model.score_only(x, self.model.decision_noise(x)).pred_score

    def worst_draws(self, outputs: NDArray[Any], start: int = 0) -> NDArray[np.intp]:
        """Return where anomalous images score lowest, and normal ones highest."""
        truth = self.truth[start : start + len(outputs)]
        return np.asarray(np.where(truth, outputs.argmin(1), outputs.argmax(1)))

    def enough(self, n: int) -> bool:
        """Tell whether both normal and anomalous images are among them."""
        part = self.truth[:n]
        return bool(part.any() and not part.all())

    def chosen(self, count: int) -> list[int]:
        """Return indices of anomalous and of normal images, half of each."""
        shown: list[int] = []
        for anomalous, n in ((True, (count + 1) // 2), (False, count // 2)):
            shown += evenly(np.flatnonzero(self.truth == anomalous), n)
        return sorted(shown)

    @property
    def sign(self) -> Scores:
        """(N,) normal images are harmed by a rising score, anomalous ones by a falling one."""
        return np.where(self.truth, -1.0, 1.0)

    def scores(self, x: Tensor, noise: Tensor | None, start: int) -> Tensor:
        """Return scores (B,) of images (B, C, H, W) on given noise."""
        found: Tensor = self.model.score_only(x, noise).pred_score
        return found

    def fresh_scores(self, x: Tensor, start: int, draws: int, generator: torch.Generator) -> Scores:
        """Return mean scores (B,)."""
        scores = self.fresh_outputs(x, draws, generator)["outputs"]
        return np.asarray(scores.double().mean(1).numpy())

    def figure(self, scores: Scores) -> float:
        """Return the AUROC of scores (N,)."""
        return float(auroc(scores, self.truth))

    def interval(self, scores: Scores) -> Estimate:
        """Return the AUROC with its 95 % interval over the images."""
        return Estimate(*bootstrap(auroc, scores, self.truth, 200))

    def above(self, a: Scores, b: Scores) -> Estimate:
        """Return AUROC(a) - AUROC(b) with its paired interval."""
        return Estimate(*auroc_difference(a, b, self.truth))

    def scorer(self, index: Sequence[int]) -> Detector:
        """Return the detector itself."""
        return self.model

    @property
    def shown(self) -> str:
        """How many of each label."""
        return f"{int((~self.truth).sum())} normal and {int(self.truth.sum())} anomalous"

    def quick(self, norm: str) -> Suite:
        """Return PGD in ten steps, one draw a step."""
        return quick_pgd(norm)

    def published(self, suite: Suite | None, on_map: bool = False) -> Published | None:
        """Return the figure of the detector's paper, which measured no defects of ours."""
        if self.category is None:
            return None
        target: Target = "pixel" if on_map else "image"
        return published_auroc(self.model.paper, self.category, *_row(suite), target)


def _row(suite: Suite | None) -> tuple[str, Any]:
    return (suite.name, suite.ball) if suite else ("clean", None)


def _record(data: AnomalyData, labels: NDArray[np.bool_], extra: str = "") -> dict[str, Any]:
    """Return what tells the data from others, for the computer and for a reader."""
    digest = digest_of(data)
    counts = (
        f"{data.name}: {len(data.train)} training, {len(data.validation)} validation, "
        f"{int((~labels).sum())} normal and {int(labels.sum())} anomalous test images{extra}"
    )
    facts = {"data": counts, "split (SHA-256)": digest}
    return {"data": data.name, "digest": digest + extra, "facts": facts}


def _without_mask(names: Sequence[str], bare: Sequence[bool]) -> list[str]:
    """Say which anomalous images lack a mask, where some do."""
    found = [name for name, lacks in zip(names, bare, strict=True) if lacks]
    if not found:
        return []
    listed = ", ".join(found[:NAMED]) + (", ..." if len(found) > NAMED else "")
    return [
        f"Localisation was not measured: {len(found)} of {len(names)} test images are anomalous "
        f"and have no mask ({listed})."
    ]
