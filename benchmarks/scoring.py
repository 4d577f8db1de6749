"""Images per second at 256 x 256: presets `advrad` and `hardsight`, bare denoiser, paper's network.

And at 1,024 x 1,024 in overlapping tiles of 256 x 256.

.venv/bin/python benchmarks/scoring.py [--rounds 9] [--batch 8]
"""

import torch
from timing import interleaved, parser, record

from hardsight.config import load_preset
from hardsight.core.devices import pick_device
from hardsight.core.precision import autocast
from hardsight.detectors import AdvRAD, Bastion
from hardsight.detectors.methods import METHODS


def build(preset: str, device: torch.device, **changes: object) -> AdvRAD | Bastion:
    config = load_preset(preset)
    method = METHODS[config.method].detector
    detector = method.from_settings(config.detector_settings | changes)
    assert isinstance(detector, AdvRAD | Bastion)
    return detector.to(device).eval()


@torch.no_grad()
def main() -> None:
    given = parser(__doc__).parse_args()
    device, batch = pick_device("auto"), given.batch
    one, four = build("advrad", device, draws=1), build("advrad", device, draws=4)
    two, head = build("advrad", device, draws=2), build("hardsight", device, draws=2)
    x = torch.rand(batch, 3, 256, 256, device=device)
    noise, noise2, noise4 = (d.sample_noise(x) for d in (one, two, four))
    tiled = build("advrad", device, image_size=1024, tile=256, draws=1)
    large = torch.rand(1, 3, 1024, 1024, device=device)
    large_noise = tiled.sample_noise(large)

    def bare() -> None:
        with autocast("auto", device):
            one.denoiser.denoise(x, 0.5)

    seconds = interleaved(
        {
            "bare": bare,
            "advrad": lambda: one(x, noise),
            "advrad, 2 draws": lambda: two(x, noise2),
            "hardsight, 2 draws": lambda: head(x, noise2),
            "advrad, 4 draws": lambda: four(x, noise4),
        },
        given.rounds,
    )
    paper = build("freerad-paper", device)
    single = x[:1]
    paper_noise = paper.sample_noise(single)
    slow = interleaved(
        {
            "paper": lambda: paper(single, paper_noise),
            "advrad, 1,024 in tiles": lambda: tiled(large, large_noise),
        },
        max(1, given.rounds // 4),
    )
    per_image = {name: t / batch for name, t in seconds.items()} | slow
    figures: dict[str, object] = {f"{n}, images per second": 1 / t for n, t in per_image.items()}
    figures["advrad (1 draw) / bare forward, rate"] = per_image["bare"] / per_image["advrad"]
    figures["advrad (1 draw) / paper's network, rate"] = per_image["paper"] / per_image["advrad"]
    heavier = per_image["hardsight, 2 draws"] / per_image["advrad, 2 draws"]
    figures["hardsight / advrad (2 draws), time"] = heavier
    whole = per_image["advrad, 1,024 in tiles"]
    figures["1,024 in tiles / 16 images of 256, time"] = whole / (16 * per_image["advrad"])
    figures["batch"] = batch
    record("scoring", figures, device)


if __name__ == "__main__":
    main()
