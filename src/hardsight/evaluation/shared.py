"""Attacks whose one change is for all images of a subject: crafted once, then looked at."""

import time

import torch
from torch import Tensor

from hardsight.attacks import Suite
from hardsight.attacks.threats import Threat
from hardsight.attacks.universal import Batch, craft
from hardsight.core.noise import Noise
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.plan import Protocol
from hardsight.evaluation.subjects import Subject


def shared_parameters(subject: Subject, suite: Suite, protocol: Protocol) -> Tensors:
    """Craft the change of a subject at rest on all of its images.

    Returns:
        "parameters" (1, K, h, w), the "seconds" it took, an image, and "nonfinite" (1,) whether a
        gradient was not finite.
    """
    begun, size = time.perf_counter(), protocol.batch_size
    weights = torch.from_numpy(subject.weights).to(subject.device, torch.float32)
    batches = []
    for i in range(0, len(subject), size):
        x = subject.batch(i, size)
        batches.append(Batch(subject.victim(i, len(x), suite.on_map), x, weights[i : i + size]))
    generator = Noise(protocol.seed, subject.device).generator(f"attack/{suite.ball}")
    found = craft(suite, batches, generator)
    seconds = (time.perf_counter() - begun) / len(subject)
    return {
        "parameters": found.images,
        "seconds": torch.tensor(seconds),
        "nonfinite": found.nonfinite,
    }


def applied(suite: Suite, x: Tensor, parameters: Tensor) -> Tensor:
    """Return images (B, C, H, W) after the change of shared parameters (1, K, h, w)."""
    assert isinstance(suite.ball, Threat)
    own = parameters.to(x).expand(len(x), -1, -1, -1)
    with torch.no_grad():
        return suite.ball.apply(x, own)
