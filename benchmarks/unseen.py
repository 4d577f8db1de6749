"""Does what a denoiser learnt in adversarial training hold on images it never saw?

    .venv/bin/python benchmarks/unseen.py runs/hardsight/bottle runs/hardsight/toothbrush

The error that the training makes small, the largest of a reconstruction against the clean normal
image (``AdversarialTraining.peaks``), on validation images and as many training images: normal and
anomalous ones, clean and attacked by PGD at the training's radius. Where attacked validation images
are far above attacked training images, the network has learnt its training images by heart; where
both are alike, it is as good as it will get by being trained on these.
"""

import argparse
from pathlib import Path

import torch
from figures import keep
from torch import Generator, Tensor

from hardsight.attacks import PGD, Linf, frozen
from hardsight.augment import TrainingImages
from hardsight.detectors import AdversarialTraining, Bastion
from hardsight.detectors.advrad.adversarial import AdversarialTask, ErrorObjective
from hardsight.diffusion import one_shot
from hardsight.evaluation.provenance import commit
from hardsight.runs import open_detector_run
from hardsight.synthesis import dilated, find_foreground


def peaks(
    detector: Bastion, images: Tensor, training: AdversarialTraining, steps: int
) -> dict[str, float]:
    """Return the mean largest errors x 1,000, of normal and anomalous, clean and attacked images.

    Args:
        detector: whose denoiser reconstructs, at its k.
        images: (N, 3, H, W) uint8, normal.
        training: how images are made anomalous and what counts as an error.
        steps: of the attack.
    """
    denoiser = detector.denoiser
    wide = dilated(find_foreground(training.foreground, images))
    task = AdversarialTask(denoiser, TrainingImages(images), training)
    generator = Generator(detector.device).manual_seed(0)
    attack = PGD(Linf(training.eps), steps)
    found: dict[str, list[Tensor]] = {}
    for batch, where in zip(torch.split(images, 4), torch.split(wide, 4), strict=True):
        normal = detector.prepare(batch)
        anomalous, _ = task.cut_paste(normal, where.to(normal.device), generator)
        t = torch.full((len(normal),), detector.scoring.k, device=normal.device)
        for label, shown, sign in (("normal", normal, 1.0), ("anomalous", anomalous, -1.0)):
            noise = torch.randn(normal.shape, generator=generator, device=normal.device)
            objective = ErrorObjective(denoiser, t, noise, sign * torch.ones_like(t), training)
            with torch.autocast(normal.device.type, torch.bfloat16), frozen(denoiser):
                adversarial = attack.last(objective, shown, generator)
                for state, seen in (("clean", shown), ("attacked", adversarial)):
                    with torch.no_grad():
                        r = one_shot(denoiser, 2 * seen - 1, t, noise).float()
                    errors = training.peaks(normal, (r + 1) / 2)
                    found.setdefault(f"{label}, {state}", []).append(errors)
    return {how: 1000 * float(torch.cat(errors).mean()) for how, errors in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--steps", type=int, default=10, help="of the attack")
    given = parser.parse_args()
    for path in given.runs:
        run = open_detector_run(path)
        detector, data, training = (
            run.detector(),
            run.data(),
            getattr(run.config, "adversarial_training", None),
        )
        if not isinstance(detector, Bastion) or training is None:
            raise SystemExit(
                f"{path} was not trained adversarially; name a run of preset hardsight"
            )
        training = training.at(detector.scoring.k)
        held_out = data.validation.images()
        seen = data.train.images()
        order = torch.randperm(len(seen), generator=Generator().manual_seed(0))[: len(held_out)]
        found = {
            "training": peaks(detector, seen[order], training, given.steps),
            "validation": peaks(detector, held_out, training, given.steps),
        }
        for part, errors in found.items():
            print(f"{data.name:<12} {part:<12}", {k: round(v, 2) for k, v in errors.items()})
        about = {"training images": len(seen), "images": len(held_out), "commit": commit()}
        keep("unseen", f"{data.name}, {run.config.preset}", found | about)


if __name__ == "__main__":
    main()
