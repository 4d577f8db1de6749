"""Images per second at 256 x 256: preset `advrad`, the bare fast denoiser, the paper's network.

.venv/bin/python benchmarks/scoring.py [--rounds 9] [--batch 8]
"""

import torch
from timing import interleaved, parser, record

from hardsight.detectors import AdvRAD
from hardsight.devices import pick_device
from hardsight.presets import load_preset


def build(preset: str, device: torch.device, **changes: object) -> AdvRAD:
    return AdvRAD(**load_preset(preset).detector_settings | changes).to(device).eval()


@torch.no_grad()
def main() -> None:
    given = parser(__doc__).parse_args()
    device, batch = pick_device("auto"), given.batch
    one, four = build("advrad", device, draws=1), build("advrad", device, draws=4)
    x = torch.rand(batch, 3, 256, 256, device=device)
    noise, noise4 = one.sample_noise(x), four.sample_noise(x)

    def bare() -> None:
        with torch.autocast(device.type, torch.bfloat16):
            one.denoiser.denoise(x, 0.5)

    seconds = interleaved(
        {
            "bare": bare,
            "advrad": lambda: one(x, noise),
            "advrad, 4 draws": lambda: four(x, noise4),
        },
        given.rounds,
    )
    paper = build("freerad-paper", device)
    single = x[:1]
    paper_noise = paper.sample_noise(single)
    slow = interleaved({"paper": lambda: paper(single, paper_noise)}, max(1, given.rounds // 4))
    per_image = {name: t / batch for name, t in seconds.items()} | slow
    figures: dict[str, object] = {f"{n}, images per second": 1 / t for n, t in per_image.items()}
    figures["advrad (1 draw) / bare forward, rate"] = per_image["bare"] / per_image["advrad"]
    figures["advrad (1 draw) / paper's network, rate"] = per_image["paper"] / per_image["advrad"]
    figures["batch"] = batch
    record("scoring", figures, device)


if __name__ == "__main__":
    main()
