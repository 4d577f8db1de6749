"""A subject and a certificate, measured by an engine."""

import torch

from hardsight.attacks import build_suite
from hardsight.certify import detector_scorer
from hardsight.core.precision import resolve
from hardsight.core.types import Detection
from hardsight.detectors import Detector
from hardsight.evaluation import DetectorSubject, Protocol
from hardsight.evaluation.attacked import attack_set
from hardsight.evaluation.certified.sampled import SampledScores, Sampling


class Noisy(Detector):
    """Scores the mean of an image and of as much noise."""

    image_size = 8
    random = True

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.linspace(0, 1, 3 * 64).view(3, 8, 8))

    def sample_noise(self, images, generator=None):
        return torch.randn(images.shape, generator=generator)

    def forward(self, images, noise=None):
        maps = ((images + 0.1 * noise) * self.weight).mean(1, keepdim=True)
        return Detection(maps.flatten(1).amax(1), maps)


def precision(key, tell):
    """Return what the precision "auto" means to a worker, and why."""
    return resolve("auto", torch.device("cpu"))


def subject():
    """Return seven images, three of them anomalous."""
    images = torch.randint(256, (7, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator())
    truth = (torch.arange(7) > 3).numpy()
    return DetectorSubject(Noisy().eval(), images, truth)


def attacked(execution):
    """Return the outputs of a subject under attack, as raw bytes."""
    one, protocol = subject(), Protocol(3, 5, batch_size=2)
    suite = build_suite("eot-pgd", "Linf", "8/255", steps=2, draws=2)
    with one.at_rest():
        found = attack_set(one, suite, protocol, batches=execution.batches("attacked"))
    return found.outputs.tobytes(), found.fixed.tobytes()


def certified(execution):
    """Return the scores of noisy copies, as raw bytes."""
    one = subject()
    work = SampledScores(detector_scorer(one.model), 6, 0.25, 4)
    parts = Sampling.of(one.device, 5, execution).each(one.images, work, "p", "certify")
    return [p["scores"].numpy().tobytes() for p in parts]
