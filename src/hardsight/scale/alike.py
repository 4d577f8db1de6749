"""Work that computes in one precision, whatever each worker's machine would choose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

import torch

from hardsight.core.engine import K, R, Tell, Work
from hardsight.core.precision import Precision, adopt, resolve


@dataclass(frozen=True)
class Alike(Generic[K, R]):
    """Carries out work in the precision that "auto" means where the work was given out.

    Args:
        work: what is carried out.
        fastest: type of device -> precision.
    """

    work: Work[K, R]
    fastest: Mapping[str, Precision]

    def __call__(self, key: K, tell: Tell) -> R:
        """Carry out a key."""
        adopt(self.fastest)
        return self.work(key, tell)


def alike(work: Work[K, R]) -> Work[K, R]:
    """Return work that computes in this machine's precision wherever it is carried out."""
    kinds = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    return Alike(work, {kind: resolve("auto", torch.device(kind)) for kind in kinds})
