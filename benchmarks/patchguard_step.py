"""Our training step against a straight PyTorch loop of the paper's recipe; the generation's share.

    .venv/bin/python benchmarks/patchguard_step.py --preset patchguard --batch 8 --rounds 3
    .venv/bin/python benchmarks/patchguard_step.py --preset patchguard-paper --batch 16

Both take the same network, images and attack steps; they take turns. The plain loop
(``patchguard_plain.py``) makes pseudo-anomalies one by one, writes down all attention, and runs
the four terms one after the other in single precision.
"""

import copy
import random
import tempfile

import numpy as np
import torch
from patchguard_plain import spoil, step, to_stock_layers
from timing import interleaved, parser, record
from torch import Generator

from hardsight.config import load_preset
from hardsight.core.devices import pick_device
from hardsight.data import textures
from hardsight.detectors import PatchGuard
from hardsight.detectors.patchguard import PatchTask
from hardsight.synthesis import foreground


def main() -> None:
    shared = parser(__doc__)
    shared.set_defaults(rounds=3)
    shared.add_argument("--preset", default="patchguard")
    shared.add_argument("--size", type=int, help="of the images in pixels; default: the preset's")
    shared.add_argument("--attack-steps", type=int, help="default: the preset's")
    shared.add_argument("--regulariser", default="none", help="ours alone has one, see the recipe")
    shared.add_argument("--precision", choices=["bf16", "fp32"], default="bf16", help="of ours")
    shared.add_argument("--device", default="auto")
    shared.add_argument("--results", default="patchguard_step")
    given = shared.parse_args()
    config = load_preset(given.preset).updated({"recipe.regulariser.kind": given.regulariser})
    settings = config.detector_settings
    size = given.size or settings["image_size"]
    adversary = config.recipe.adversary
    steps = given.attack_steps or adversary.steps
    adversary = adversary.model_copy(update={"steps": steps, "mode": "train"})  # as the plain loop
    recipe = config.recipe.model_copy(update={"adversary": adversary})
    device = pick_device(given.device)
    random.seed(0)
    np.random.seed(0)
    with tempfile.TemporaryDirectory() as place:
        images = textures(place, "gravel", size=size).train.images()
    where = foreground(images)

    ours = PatchGuard(**settings | {"image_size": size}).to(device).train()
    plain = copy.deepcopy(ours.network)
    to_stock_layers(plain)
    task = PatchTask(ours.network, images, where, recipe)
    generator = Generator().manual_seed(0)
    rows = tuple(row.to(device) for row in task.batch(given.batch, generator))
    optimizers = [torch.optim.AdamW(m.parameters(), lr=1e-5) for m in (ours.network, plain)]

    def our_step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=given.precision == "bf16"):
            loss = task.loss(*rows)
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()

    def generate() -> None:
        task.cut_paste(rows[0].float() / 255, rows[1], Generator(device).manual_seed(0))

    x, seen = rows[0].cpu(), rows[1].cpu()
    took = interleaved(
        {
            "ours": our_step,
            "plain": lambda: step(
                plain, optimizers[1], x, seen, task.network.cell, adversary.eps, adversary.steps
            ),
            "our generation": generate,
            "plain generation": lambda: spoil(x, seen),
        },
        given.rounds,
    )
    figures: dict[str, object] = {f"{name}, seconds": t for name, t in took.items()}
    figures |= {
        "plain / ours": took["plain"] / took["ours"],
        "generation's share of our step": took["our generation"] / took["ours"],
        "generation's share of the plain step": took["plain generation"] / took["plain"],
        "plain generation / ours": took["plain generation"] / took["our generation"],
        "preset": given.preset,
        "pixels": size,
        "batch": given.batch,
        "attack steps": steps,
        "precision of ours": given.precision,
        "rounds": given.rounds,
    }
    record(given.results, figures, device)


if __name__ == "__main__":
    main()
