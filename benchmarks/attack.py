"""One PGD step against one forward plus backward of the scored path, at the same batch.

.venv/bin/python benchmarks/attack.py [--rounds 9] [--batch 8]
"""

import torch
from scoring import build
from timing import arguments, interleaved, record

from hardsight.attacks import PGD, Linf, ScoreObjective, frozen
from hardsight.runs import pick_device


def main() -> None:
    given = arguments(__doc__)
    device, batch = pick_device("auto"), given.batch
    detector = build("advrad", device, draws=1)
    detector.fit_reference(torch.rand(4, 1, 256, 256))
    x = torch.rand(batch, 3, 256, 256, device=device)
    labels = torch.arange(batch, device=device) % 2 == 0
    noise = detector.sample_noise(x)

    def forward_backward() -> None:
        images = x.clone().requires_grad_(True)
        torch.autograd.grad(detector(images, noise).pred_score.sum(), images)

    def judge() -> None:
        with torch.no_grad():
            detector(x, detector.sample_noise(x))

    def pgd(steps: int) -> None:
        objective = ScoreObjective(detector, labels)
        PGD(Linf(2 / 255), steps=steps)(objective, x)

    with frozen(detector):
        seconds = interleaved(
            {
                "forward + backward": forward_backward,
                "forward": judge,
                "pgd of 4 steps": lambda: pgd(4),
            },
            given.rounds,
        )
    step = (seconds["pgd of 4 steps"] - seconds["forward"]) / 4  # less the last judgement
    figures: dict[str, object] = {f"{n}, seconds": t for n, t in seconds.items()}
    figures["pgd step / forward + backward"] = step / seconds["forward + backward"]
    figures["batch"] = batch
    record("attack", figures, device)


if __name__ == "__main__":
    main()
