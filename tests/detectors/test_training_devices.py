"""Trainings on another device than the detector's: what is not trained comes along.

The device is torch's "meta", which computes shapes alone and refuses tensors of other devices.
"""

import pytest
import torch
from torch import Generator, nn

from hardsight.augment import AugmentationPolicy
from hardsight.detectors.distillation.description_task import DescriptionTask
from hardsight.detectors.distillation.efficient_ad_task import EfficientADTask
from hardsight.detectors.distillation.photographs import photographs
from hardsight.detectors.distillation.task import DistillationTask
from hardsight.detectors.memory_bank.bank import Bank
from hardsight.detectors.memory_bank.cfa_fitting import AdaptationTask, CFAFit

NORMALS = (255 * torch.rand(4, 3, 8, 8, generator=Generator().manual_seed(0))).byte()
POLICY, PICTURES = AugmentationPolicy(4), photographs(("moon.png",))


class Frozen(nn.Module):
    """Two channels, less what a buffer holds."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(2, 1, 1))

    def forward(self, images):
        return images[:, :2] - self.mean


class Whole(nn.Module):
    """A detector of which one part is trained to find what a frozen one does."""

    neighbours = 1

    def __init__(self):
        super().__init__()
        self.frozen, self.student = Frozen(), nn.Conv2d(3, 2, 1)
        self.descriptor, self.centres = nn.Linear(2, 2), Bank(5, 2)

    def loss(self, images, *others):
        return (self.student(images) - self.frozen(images)).square().mean()

    def embed(self, images):
        return self.frozen(images).flatten(2).mT

    def distances(self, patches, count):
        rows = self.descriptor(patches).flatten(0, 1)
        return self.centres.distances(rows, self.centres.nearest(rows, count))


TASKS = {
    "student": lambda: DistillationTask(Whole(), NORMALS, POLICY),
    "student of images and photographs": lambda: EfficientADTask(
        Whole(), NORMALS, POLICY, PICTURES
    ),
    "teacher": lambda: DescriptionTask(nn.Conv2d(3, 2, 1), Frozen(), NORMALS, POLICY, PICTURES),
    "descriptor": lambda: AdaptationTask(Whole(), NORMALS, CFAFit(augment="none")),
}


@pytest.mark.parametrize("make", TASKS.values(), ids=TASKS)
def test_a_loss_is_computed_where_its_batch_is(make):
    task = make()
    task.module.to("meta")
    rows = task.batch(2, Generator().manual_seed(0))
    assert task.loss(*(row.to("meta") for row in rows)).device.type == "meta"
