"""AdvRAD as an anomalib model, trained by its Engine. Needs the extra ``anomalib``."""

from typing import Any, cast

import torch
from anomalib import LearningType
from anomalib.data import Batch, InferenceBatch
from anomalib.models.components import AnomalibModule
from anomalib.pre_processing import PreProcessor
from torch import Tensor, nn
from torchvision.transforms.v2 import Compose, Resize

from hardsight.detectors.adapters.anomalib import transform_of
from hardsight.detectors.advrad.detector import AdvRAD
from hardsight.detectors.advrad.errors import error_maps
from hardsight.detectors.advrad.scoring import ReferenceStatistics
from hardsight.diffusion import Denoiser
from hardsight.training import Settings
from hardsight.training.ema import Ema
from hardsight.training.loop import step_seed
from hardsight.training.settings import learning_rate
from hardsight.training.weights import build_optimizer


class Scores(nn.Module):
    """A detector as anomalib calls models: of images alone.

    Args:
        detector: its noise is fixed.
    """

    def __init__(self, detector: AdvRAD) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor) -> Any:
        """Return raw scores (B,) and maps (B, 1, H, W) of images in [0, 1] as InferenceBatch."""
        found = self.detector(images)
        return InferenceBatch(pred_score=found.pred_score, anomaly_map=found.anomaly_map)


class AdvRADModule(AnomalibModule):  # type: ignore[misc]
    """AdvRAD (FreeRAD, Algorithms 2-4), trained by ``anomalib.engine.Engine``.

    Training is that of ``AdvRAD.fit``, its steps those of the Engine; before each validation the
    errors of the training images are measured, against which those of others are held. What is
    validated, saved and predicted with are the averaged weights.

    Args:
        settings: of ``AdvRAD``, as ``config.json`` holds them; its noise is fixed, for anomalib
            gives models none.
        training: fields of ``Settings``: optimizer, lr, weight_decay, schedule, warmup, ema_decay,
            gradient_clip and seed count here; what else there is belongs to the Engine.
        pre_processor: True resizes to the detector's image_size. Images must stay in [0, 1].
        post_processor: as in every AnomalibModule, and so the next two.
        evaluator: see there.
        visualizer: see there.

    Examples:
        >>> from anomalib.data import MVTecAD  # doctest: +SKIP
        >>> from anomalib.engine import Engine  # doctest: +SKIP
        >>> module = AdvRADModule()  # doctest: +SKIP
        >>> Engine(max_steps=1200).fit(module, MVTecAD(category="bottle"))  # doctest: +SKIP
        >>> module.detector.save_pretrained("bottle")  # doctest: +SKIP
    """

    def __init__(
        self,
        settings: dict[str, Any] | None = None,
        training: dict[str, Any] | None = None,
        pre_processor: nn.Module | bool = True,
        post_processor: nn.Module | bool = True,
        evaluator: Any = True,
        visualizer: Any = True,
    ) -> None:
        detector = AdvRAD.from_settings((settings or {}) | {"fixed_noise": True})
        if pre_processor is True:
            size = (detector.image_size, detector.image_size)
            pre_processor = PreProcessor(Compose([Resize(size, antialias=True)]))
        super().__init__(
            pre_processor=pre_processor,
            post_processor=post_processor,
            evaluator=evaluator,
            visualizer=visualizer,
        )
        self.training_settings = Settings(**(training or {}))
        self.network = detector.denoiser  # what is trained; the detector gets its average
        self.average = Ema(self.network, self.training_settings.ema_decay)
        detector.denoiser = cast(Denoiser, self.average.module)
        self.model = Scores(detector)
        self.referred: int | None = None
        """The step of the weights whose errors on training images the detector knows."""

    @property
    def detector(self) -> AdvRAD:
        """The detector, with the averaged weights."""
        detector: AdvRAD = self.model.detector
        return detector

    @property
    def learning_type(self) -> Any:
        """Trained on normal images alone."""
        return LearningType.ONE_CLASS

    @property
    def trainer_arguments(self) -> dict[str, Any]:
        """What the Engine must know: no validation before there is a reference."""
        clip = self.training_settings.gradient_clip
        return {"num_sanity_val_steps": 0} | ({} if clip is None else {"gradient_clip_val": clip})

    def configure_optimizers(self) -> dict[str, Any]:
        """Return AdamW or Adam, with the learning rate of ``Settings`` over the Engine's steps."""
        s = self.training_settings
        optimizer = build_optimizer(self.network.parameters(), s)
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        whole = s.model_copy(update={"steps": steps})
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate(whole, min(step, steps - 1)) / s.lr
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def training_step(self, batch: Batch, *args: Any, **kwargs: Any) -> Tensor:
        """Return the denoiser's mean loss; its noise comes from (seed, step)."""
        x = self.detector.check(batch.image)
        seed = step_seed(self.training_settings.seed, self.global_step, stream=self.global_rank)
        randomness = self.network.draw(x.shape, torch.Generator().manual_seed(seed))
        on_device = tuple(r.to(x.device) for r in randomness)
        loss: Tensor = self.network.training_loss(2 * x - 1, on_device).mean()
        self.log("train_loss", loss.detach(), on_epoch=True, prog_bar=True, batch_size=len(x))
        return loss

    def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None:
        """Average the weights."""
        self.average.update(self.network, self.global_step)

    def on_validation_start(self) -> None:
        """Measure the errors of the training images, while fitting."""
        if self.trainer.state.fn == "fit":
            self._refer()

    def on_train_epoch_end(self) -> None:
        """Measure them where nothing was validated."""
        self._refer()

    def validation_step(self, batch: Batch, *args: Any, **kwargs: Any) -> Batch:
        """Score a batch."""
        return batch.update(**self.model(batch.image)._asdict())

    def _refer(self) -> None:
        if self.referred == self.global_step:
            return
        detector = self.detector.eval()
        generator = torch.Generator(self.device).manual_seed(self.training_settings.seed)
        transform = transform_of(self.pre_processor)
        errors = []
        for batch in self.trainer.train_dataloader:
            x = batch.image.to(self.device)
            x = x if transform is None else transform(x)
            errors.append(error_maps(detector, x, generator))
        statistics = ReferenceStatistics.of(torch.cat(errors), detector.scoring.filter_size)
        self.model.detector = detector.with_scoring(detector.scoring, statistics)
        self.referred = self.global_step
