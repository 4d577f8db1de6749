"""The purified classifiers that purification.py measures."""

import argparse
import math
from collections.abc import Callable

from torch import nn

from hardsight.diffusion import Denoiser
from hardsight.purifiers import ADP, DDIMPurifier, DiffPure, OneShot, Purified, Purifier
from hardsight.purifiers.base import coarser
from hardsight.training import Settings


def purifiers(g: argparse.Namespace, denoiser: Denoiser) -> dict[str, Callable[[], Purifier]]:
    """Purifier by name, at the depth that was chosen."""
    chain = {"checkpoint": g.checkpoint}
    return {
        "ddim": lambda: chained(g, denoiser, g.depth),
        "ddim-eta1": lambda: chained(g, denoiser, g.depth, eta=1.0),
        "diffpure": lambda: DiffPure(denoiser, 100, stride(g, 100), **chain),
        "ancestral": lambda: DiffPure(denoiser, 100, stride(g, 100), form="ancestral", **chain),
        "adjoint": lambda: DiffPure(denoiser, 100, stride(g, 100), gradient="adjoint"),
        "adp": lambda: ADP(denoiser, delta=1e-3, **chain),
        "one-shot": lambda: OneShot(denoiser, 0.1),
    }


def chained(
    g: argparse.Namespace, denoiser: Denoiser, depth: float, eta: float = 0.0
) -> DDIMPurifier:
    """DDIM purification of a depth, in at most ``--calls`` calls."""
    depth = int(depth)
    return DDIMPurifier(denoiser, depth, stride(g, depth), eta, checkpoint=g.checkpoint)


def stride(g: argparse.Namespace, depth: int) -> int:
    """Return the timesteps between two of at most ``--calls`` calls of the denoiser."""
    return coarser(depth, 1, math.ceil(depth / (g.calls - 1))) or 1


def purified(g: argparse.Namespace, purifier: Purifier, classifier: nn.Module) -> Purified:
    """Put a purifier in front of the classifier, in the precision of the trainings."""
    precision = Settings(precision=g.precision).precision_choice
    return Purified(purifier, classifier, precision=precision)
