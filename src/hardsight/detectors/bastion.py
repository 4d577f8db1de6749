"""Bastion: reconstruct as a normal image, and judge by a head that was attacked in its training."""

from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from hardsight.data import AnomalyData, Augment, find_foreground
from hardsight.detectors.advrad import AdvRAD
from hardsight.detectors.fitting import Lesson
from hardsight.detectors.game import Game, GameTask, Player
from hardsight.detectors.head import MapHead
from hardsight.detectors.scoring import Average, Reference
from hardsight.detectors.selection import Selection
from hardsight.modules import seeded
from hardsight.training import Settings
from hardsight.types import Progress, quiet

REFERENCE = 64
"""Normal images, or a few more, that the head's reference is fitted to."""


class Bastion(AdvRAD):
    """AdvRAD whose map is that of a head, trained with the denoiser against attacks on both.

    The head sees the image, its reconstruction and their error, and starts as the error's
    logarithm; see ``MapHead`` and, for the training, ``Game``. Filters, reference, aggregation and
    their selection are AdvRAD's, of logits instead of errors.

    Args:
        denoiser, image_size, k, draws, average, filter_size, reference, aggregation,
        map_filter_size, precision, tile, overlap: see ``AdvRAD``.
        head: configuration of the head, the arguments of ``MapHead`` but ``size``.
        seed: of the initial weights.
    """

    paper = None

    def __init__(
        self,
        denoiser: dict[str, Any] | None = None,
        image_size: int = 256,
        k: int = 200,
        draws: int = 2,
        average: Average = "reconstruction",
        filter_size: int = 9,
        reference: Reference = "error",
        aggregation: str = "top:0.0015",
        map_filter_size: int = 1,
        precision: Literal["bf16", "fp32"] = "bf16",
        tile: int | None = None,
        overlap: float = 0.25,
        head: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            denoiser=denoiser,
            image_size=image_size,
            k=k,
            draws=draws,
            average=average,
            filter_size=filter_size,
            reference=reference,
            aggregation=aggregation,
            map_filter_size=map_filter_size,
            precision=precision,
            tile=tile,
            overlap=overlap,
            seed=seed,
        )
        with seeded(seed + 1):
            self.head = MapHead(image_size if tile is None else tile, **head or {})

    def configure(self, *, margin: float = 0.0, shots: int = 1, **scoring: Any) -> None:
        """See ``AdvRAD.configure``; a head's logits have no margin, and of one shot only.

        Raises:
            ValueError: a value out of its range.
        """
        if margin or shots != 1:
            raise ValueError(
                f"margin={margin} and shots={shots} are of AdvRAD's errors; a Bastion has a head, "
                "leave them out"
            )
        super().configure(**scoring)

    def difference(self, images: Tensor, r: Tensor, margin: float = 0.0) -> Tensor:
        """(B, 1, H, W) the head's logits."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            return self.head.maps(images, r, self.tiles)

    def fit(
        self,
        data: AnomalyData,
        training: Settings | None = None,
        selection: Selection | None = None,
        *,
        game: Game | None = None,
        start: str | Path | None = None,
        augment: Augment = "auto",
        false_alarms: float | None = None,
        folder: str | Path | None = None,
        resume: bool = False,
        progress: Progress = quiet,
    ) -> Self:
        """Train the denoiser, play the game, choose what is open, and calibrate the threshold.

        Args:
            game: how denoiser and head are trained on against attacks; None: the defaults.
            data, training, selection, start, augment, false_alarms, folder, resume, progress: see
                ``AdvRAD.fit``.

        Raises:
            KeyboardInterrupt, ValueError: see ``AdvRAD.fit``; a selection among margins.
        """
        if selection and any(selection.margins):
            raise ValueError(
                f"selection.margins={selection.margins} are of AdvRAD's errors; a Bastion has a "
                "head, leave them at 0"
            )
        self.game = game or Game()
        return super().fit(
            data,
            training,
            selection,
            start=start,
            augment=augment,
            false_alarms=false_alarms,
            folder=folder,
            resume=resume,
            progress=progress,
        )

    def learn(self, lesson: Lesson) -> None:
        """Train the denoiser, and then both against attacks; a part of ``fit``."""
        super().learn(lesson)
        game = self.game
        where = torch.cat([find_foreground(game.foreground, c) for c in lesson.categories])

        def task(eps: float) -> GameTask:
            player = Player(self.denoiser, self.head)
            return GameTask(player, lesson.normals, where, game, eps, lesson.kinds, self.tile)

        generator = torch.Generator().manual_seed(lesson.training.seed)
        places = self.tile is None and len(lesson.categories) == 1
        self.head.fit_reference(task(0).log_errors(REFERENCE, generator), places)
        for stage, steps, eps in (("warm-up", game.warm_up, 0.0), ("game", game.steps, game.eps)):
            if steps:
                settings = game.settings(lesson.training, steps)
                lesson.complete(task(eps), settings, stage, stage)

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """Denoiser and head."""
        return self.denoiser, self.head
