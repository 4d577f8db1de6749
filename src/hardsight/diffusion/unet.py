"""The paper's denoiser: a U-Net that predicts the noise and, by default, the variance."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from hardsight.core.json_files import read_object
from hardsight.diffusion.base import Denoiser, Prediction
from hardsight.diffusion.gaussian import hybrid_loss, learned_log_variance, q_sample, x0_from_eps
from hardsight.diffusion.schedule import SCHEDULES, Schedule

_DIFFUSERS_SCHEDULES = {"linear": "linear", "squaredcos_cap_v2": "cosine"}


class PaperDenoiser(Denoiser):
    """FreeRAD's network (appendix C.1): the U-Net of improved-diffusion, hybrid loss.

    Args:
        size: Height and width of the images in pixels.
        channels: Width of the first level.
        multipliers: Width of each level over ``channels``; each level halves the grid.
        blocks: Residual blocks per level.
        attention_size: Feature-map size at which levels attend to themselves.
        image_channels: Channels of the images.
        learned_variance: Predict the variance as well (2C output channels).
        schedule: The forward process; None: ``Schedule.linear()``.
        unet: A whole ``UNet2DModel`` configuration, used in place of the arguments before
            ``schedule``; what ``from_diffusers`` stores.
    """

    def __init__(
        self,
        size: int = 256,
        channels: int = 128,
        multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4),
        blocks: int = 2,
        attention_size: int = 16,
        image_channels: int = 3,
        learned_variance: bool = True,
        schedule: Schedule | None = None,
        unet: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(schedule or Schedule.linear())
        if unet is None:
            outputs = image_channels * (2 if learned_variance else 1)
            unet = _unet_config(size, channels, tuple(multipliers), blocks, attention_size)
            unet |= {"in_channels": image_channels, "out_channels": outputs}
        inputs, outputs = unet["in_channels"], unet["out_channels"]
        if outputs not in (inputs, 2 * inputs):
            raise ValueError(
                f"unet out_channels must be {inputs} (noise) or {2 * inputs} (noise and variance), "
                f"got {outputs}"
            )
        self.unet_config = unet
        self.size: int | None = unet["sample_size"]
        self.image_channels: int = inputs
        self.learned_variance: bool = outputs == 2 * inputs
        from diffusers import UNet2DModel  # slow: not before a network is built

        self.unet = UNet2DModel(**unet)

    @classmethod
    def from_diffusers(cls, path: str | Path, schedule: Schedule | None = None) -> "PaperDenoiser":
        """Load a local diffusers folder: ``config.json`` and safetensors, at its root or in unet/.

        Args:
            path: The folder.
            schedule: The forward process the network was trained with; None: read it from
                ``scheduler/scheduler_config.json``, or ``Schedule.linear()`` where there is none.

        Raises:
            FileNotFoundError: no configuration or no safetensors weights there.
            ValueError: a network or schedule that is no noise-predicting DDPM.
        """
        root = Path(path)
        folder = next((f for f in (root / "unet", root) if (f / "config.json").is_file()), None)
        if folder is None:
            raise FileNotFoundError(f"no config.json in {root} or {root / 'unet'}")
        if not list(folder.glob("*.safetensors")):
            raise FileNotFoundError(
                f"no .safetensors weights in {folder}; convert a .bin or .ckpt file with "
                "save_pretrained(safe_serialization=True): pickles are not loaded"
            )
        config = read_object(folder / "config.json", "restore it, or save the network again")
        if config.get("_class_name", "UNet2DModel") != "UNet2DModel":
            raise ValueError(f"{folder} holds a {config['_class_name']}, not a UNet2DModel")
        from diffusers import UNet2DModel

        network = UNet2DModel.from_pretrained(folder, use_safetensors=True, local_files_only=True)
        settings = {k: v for k, v in network.config.items() if not k.startswith("_")}
        settings = json.loads(json.dumps(settings))
        denoiser = cls(schedule=schedule or _diffusers_schedule(root), unet=settings)
        denoiser.unet = network
        return denoiser.eval()

    def forward(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        """FreeRAD Algorithm 2, line 3: x0 from the predicted noise, (B, C, H, W)."""
        return self.predict(x_t, t).x0

    def predict(self, x_t: Tensor, t: int | Tensor) -> Prediction:
        """Return x0 and, if learned, the log-variance of equation A.7."""
        eps, v = self.noise_and_variance(x_t, t)
        log_variance = None if v is None else learned_log_variance(v, self.schedule, t)
        return Prediction(x0_from_eps(self.schedule, x_t, t, eps), log_variance)

    def noise_and_variance(self, x_t: Tensor, t: int | Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the network's two halves: eps and v in [-1, 1] (None if not learned)."""
        # Here, and only here, timesteps become 0-based: that is how diffusers counts.
        zero_based = torch.as_tensor(t - 1, device=x_t.device).expand(len(x_t))
        output: Tensor = self.unet(x_t, zero_based).sample.to(x_t.dtype)
        if not self.learned_variance:
            return output, None
        eps, v = output.chunk(2, dim=1)
        return eps, v

    def draw(self, shape: torch.Size, generator: Generator) -> tuple[Tensor, ...]:
        """Draw t (B,) uniformly from 1..T and the noise (B, C, H, W)."""
        device = generator.device
        t = torch.randint(1, self.schedule.T + 1, shape[:1], generator=generator, device=device)
        return t, torch.randn(shape, generator=generator, device=device)

    def training_loss(self, x0: Tensor, randomness: tuple[Tensor, ...]) -> Tensor:
        """Return equation A.6 for each image, (B,); L_simple alone if the variance is fixed."""
        t, noise = randomness[0], randomness[1].to(x0)
        x_t = q_sample(self.schedule, x0, t, noise)
        eps, v = self.noise_and_variance(x_t, t)
        if v is None:
            return ((noise - eps) ** 2).flatten(1).mean(1)
        return hybrid_loss(self.schedule, eps, v, x0, x_t, t, noise)

    @property
    def config(self) -> dict[str, Any]:
        """JSON-able; ``build_denoiser(config)`` returns the same architecture."""
        return {"name": "paper", "unet": self.unet_config, "schedule": self.schedule.config}


def _unet_config(
    size: int, channels: int, multipliers: tuple[int, ...], blocks: int, attention_size: int
) -> dict[str, Any]:
    """Return improved-diffusion's UNet2DModel configuration, but for the channels of the image."""
    levels = len(multipliers)
    if size % 2 ** (levels - 1):
        raise ValueError(
            f"size must be a multiple of 2^(levels - 1) = {2 ** (levels - 1)}, got {size}; "
            "choose another size or fewer multipliers"
        )
    widths = [channels * m for m in multipliers]
    groups = math.gcd(32, *widths)
    attends = ["Attn" if size // 2**level == attention_size else "" for level in range(levels)]
    return {
        "sample_size": size,
        "block_out_channels": widths,
        "layers_per_block": blocks,
        "down_block_types": [f"{a}DownBlock2D" for a in attends],
        "up_block_types": [f"{a}UpBlock2D" for a in reversed(attends)],
        "norm_num_groups": groups,
        "attn_norm_num_groups": groups,
        "resnet_time_scale_shift": "scale_shift",
        "attention_head_dim": None,  # one head of full width
    }


def _diffusers_schedule(root: Path) -> Schedule:
    """Read the forward process of a diffusers pipeline folder; linear if it has none."""
    path = root / "scheduler" / "scheduler_config.json"
    if not path.is_file():
        return Schedule.linear()
    config = read_object(path, "restore it, or pass schedule= yourself")
    target = config.get("prediction_type", "epsilon")
    if target != "epsilon":
        raise ValueError(f"{path}: prediction_type must be 'epsilon', got {target!r}")
    for name in ("trained_betas", "rescale_betas_zero_snr"):
        if config.get(name):
            raise ValueError(f"{path}: {name} is not known here; pass schedule= yourself")
    kind = config.get("beta_schedule", "linear")
    if kind not in _DIFFUSERS_SCHEDULES:
        raise ValueError(
            f"{path}: beta_schedule must be one of {sorted(_DIFFUSERS_SCHEDULES)}, got {kind!r}; "
            "pass schedule= yourself"
        )
    length = config.get("num_train_timesteps", 1000)
    if kind == "linear":
        start, end = config.get("beta_start", 1e-4), config.get("beta_end", 2e-2)
        return Schedule.linear(length, start, end)
    return SCHEDULES[_DIFFUSERS_SCHEDULES[kind]](length)
