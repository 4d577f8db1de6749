"""One step of PGD, APGD and EOT-PGD against one forward plus backward of the scored path.

.venv/bin/python benchmarks/attack.py [--rounds 9] [--batch 8] [--draws 4]

An EOT step of m draws is held against one forward plus backward at batch B x m.
"""

import torch
from scoring import build
from timing import interleaved, parser, record
from torch import Tensor

from hardsight.attacks import APGD, PGD, Linf, ScoreObjective, frozen
from hardsight.core.devices import pick_device

BALL = Linf(2 / 255)
STEPS = 4


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--draws", type=int, default=4)
    given = arguments.parse_args()
    device, batch, draws = pick_device("auto"), given.batch, given.draws
    detector = build("advrad", device, draws=1)
    x = torch.rand(batch, 3, 256, 256, device=device)
    labels = torch.arange(batch, device=device) % 2 == 0
    wide = x.repeat_interleave(draws, dim=0)

    def forward(images: Tensor) -> None:
        with torch.no_grad():
            detector(images, detector.sample_noise(images))

    def both(images: Tensor, noise: Tensor) -> None:
        leaf = images.clone().requires_grad_(True)
        torch.autograd.grad(detector(leaf, noise).pred_score.sum(), leaf)

    def attack(optimiser: PGD | APGD, draws: int = 1) -> None:
        optimiser(ScoreObjective(detector, labels, draws), x)

    noise, wide_noise = detector.sample_noise(x), detector.sample_noise(wide)
    with frozen(detector):
        seconds = interleaved(
            {
                "forward": lambda: forward(x),
                "forward + backward": lambda: both(x, noise),
                f"forward, batch x {draws}": lambda: forward(wide),
                f"forward + backward, batch x {draws}": lambda: both(wide, wide_noise),
                f"pgd of {STEPS} steps": lambda: attack(PGD(BALL, STEPS)),
                f"apgd of {STEPS} steps": lambda: attack(APGD(BALL, STEPS)),
                f"eot-pgd of {STEPS} steps, {draws} draws": lambda: attack(PGD(BALL, STEPS), draws),
            },
            given.rounds,
        )
    judge, step, wide_judge, wide_step, pgd, apgd, eot = seconds.values()
    figures: dict[str, object] = {f"{n}, seconds": t for n, t in seconds.items()}
    # the evaluations that judge what was found are no steps: one of PGD, two of APGD
    figures["pgd step / forward + backward"] = (pgd - judge) / STEPS / step
    figures["apgd step / forward + backward"] = (apgd - 2 * judge) / STEPS / step
    figures["eot step / forward + backward at batch x draws"] = (
        (eot - wide_judge) / STEPS / wide_step
    )
    figures |= {"batch": batch, "draws": draws}
    record("attack", figures, device)


if __name__ == "__main__":
    main()
