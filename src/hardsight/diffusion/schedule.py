"""The noise schedule: beta, alpha_bar and sigma of every timestep."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Schedule:
    """A variance schedule beta_1 ... beta_T (Ho et al., 2020, section 2).

    Timesteps are 1-based: t in 1..T, and alpha_bar(0) = 1. Every lookup takes an int, giving a
    0-d tensor, or a LongTensor of timesteps, giving a tensor of its shape; results are float64 on
    the CPU, cast by whoever multiplies them with an image.
    """

    betas: Tensor
    """(T,) float64 in (0, 1); ``betas[t - 1]`` is beta_t."""
    config: dict[str, Any]
    """JSON-able; ``build_schedule(config)`` returns an equal schedule."""

    def __post_init__(self) -> None:
        betas = self.betas
        if betas.ndim != 1 or betas.dtype != torch.float64 or len(betas) == 0:
            raise ValueError(f"betas must be (T,) float64, got {tuple(betas.shape)} {betas.dtype}")
        if not bool(((betas > 0) & (betas < 1)).all()):
            low, high = (float(b) for b in torch.aminmax(betas))
            raise ValueError(f"every beta must be in (0, 1), got values in [{low:g}, {high:g}]")

    @classmethod
    def linear(cls, T: int = 1000, start: float = 1e-4, end: float = 2e-2) -> "Schedule":  # noqa: N803
        """Space betas evenly from ``start`` to ``end`` (Ho et al., 2020, section 4)."""
        _check_length(T)
        betas = torch.linspace(start, end, T, dtype=torch.float64, device="cpu")
        return cls(betas, {"name": "linear", "T": T, "start": start, "end": end})

    @classmethod
    def cosine(cls, T: int = 1000, s: float = 0.008) -> "Schedule":  # noqa: N803
        """alpha_bar = cos^2, betas capped at 0.999 (Nichol & Dhariwal, 2021, equation 17)."""
        _check_length(T)
        u = torch.arange(T + 1, dtype=torch.float64, device="cpu") / T
        f = torch.cos((u + s) / (1 + s) * (math.pi / 2)) ** 2
        betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
        return cls(betas, {"name": "cosine", "T": T, "s": s})

    @property
    def T(self) -> int:  # noqa: N802
        """The number of timesteps."""
        return len(self.betas)

    def beta(self, t: int | Tensor) -> Tensor:
        """Return beta_t, t in 1..T."""
        return self.betas[self._index(t, first=1) - 1]

    def alpha_bar(self, t: int | Tensor) -> Tensor:
        """Return alpha_bar_t = prod_{s <= t} (1 - beta_s), t in 0..T (FreeRAD, equation 4.2)."""
        return self._alpha_bars[self._index(t, first=0)]

    def sigma(self, t: int | Tensor) -> Tensor:
        """Return sqrt((1 - alpha_bar) / alpha_bar), t in 1..T: the noise of x_t / sqrt(alpha_bar).

        In [-1, 1] units: twice the sigma of the same noise in [0, 1] pixel units.
        """
        return self._sigmas[self._index(t, first=1) - 1]

    def timestep_of(self, sigma: float | Tensor) -> Tensor:
        """Return the t in 1..T whose sigma(t) is nearest to ``sigma`` ([-1, 1] units), as int64."""
        value = torch.as_tensor(sigma, dtype=torch.float64).cpu()
        if not bool((torch.isfinite(value) & (value >= 0)).all()):
            raise ValueError(f"sigma must be finite and not negative, got {sigma}")
        return (value[..., None] - self._sigmas).abs().argmin(-1) + 1

    def timestep_near(self, sigma: float, name: str = "sigma") -> int:
        """Return the t whose noise is that of standard deviation ``sigma`` in [0, 1] pixel units.

        Args:
            sigma: the noise.
            name: of the argument, for the message.

        Raises:
            ValueError: the nearest noise is more than a fifth away, or ``sigma`` is none.
        """
        if not sigma >= 0:
            raise ValueError(f"{name} must be >= 0, got {sigma}")
        t = int(self.timestep_of(2 * sigma))
        level = float(self.sigma(t)) / 2
        if not math.isclose(level, sigma, rel_tol=0.2):
            raise ValueError(
                f"{name}={sigma:g} is no noise level of the diffusion: the nearest is {level:.3g} "
                f"at k={t}; choose one near it"
            )
        return t

    def respace(self, steps: Sequence[int]) -> "Schedule":
        """Keep ``steps``: betas 1 - ab(S_i) / ab(S_{i-1}) (Nichol & Dhariwal, 2021, section 4).

        Args:
            steps: S_1 < ... < S_m, each in 1..T.

        Returns:
            A schedule of length m with alpha_bar(i) = alpha_bar of S_i here.
        """
        kept = [int(s) for s in steps]
        if not kept or any(b <= a for a, b in zip([0, *kept], kept, strict=False)):
            raise ValueError(f"steps must be increasing timesteps from 1 on, got {kept}")
        index = torch.tensor(kept, device="cpu")
        bars = self.alpha_bar(index)
        before = torch.cat([bars.new_ones(1), bars[:-1]])
        parents = self.config.get("steps")
        names = kept if parents is None else [parents[s - 1] for s in kept]
        return Schedule(1 - bars / before, self.config | {"steps": names})

    @cached_property
    def _alpha_bars(self) -> Tensor:
        return torch.cat([self.betas.new_ones(1), torch.cumprod(1 - self.betas, 0)])

    @cached_property
    def _sigmas(self) -> Tensor:
        bars = self._alpha_bars[1:]
        return ((1 - bars) / bars).sqrt()

    def _index(self, t: int | Tensor, first: int) -> int | Tensor:
        if isinstance(t, Tensor):
            if t.is_floating_point() or t.dtype == torch.bool:
                raise TypeError(f"t must be an int or a LongTensor, got {t.dtype}")
            t = t.cpu().long()
            outside = bool(((t < first) | (t > self.T)).any())
        else:
            t = operator.index(t)
            outside = not first <= t <= self.T
        if outside:
            raise ValueError(f"t must be in 1..{self.T} (timesteps are 1-based), got {t}")
        return t


def _check_length(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"T must be at least 1, got {steps}")


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "linear": Schedule.linear,
    "cosine": Schedule.cosine,
}


def build_schedule(config: Mapping[str, Any]) -> Schedule:
    """Return the schedule of a ``Schedule.config``, e.g. ``{"name": "linear", "T": 1000}``."""
    settings = dict(config)
    name = settings.pop("name", None)
    if name not in SCHEDULES:
        raise ValueError(f"unknown schedule {name!r}; choose one of {sorted(SCHEDULES)}")
    steps = settings.pop("steps", None)
    schedule = SCHEDULES[name](**settings)
    return schedule if steps is None else schedule.respace(steps)
