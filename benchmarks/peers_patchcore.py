"""PatchCore here beside anomalib's, on the same backbone, images, levels and size of the bank.

    python benchmarks/peers_patchcore.py CATEGORY_FOLDER [--images 40] [--rounds 5] [--batch 8]

Both on the bundled EfficientNet-Lite0 at strides 8 and 16, which is anomalib's choice of levels, in
float32 on the same cores. Scoring in turns, on one and the same bank, and the preset `patchcore`
beside them. Fitting each in a process of its own, for its peak of memory: from decoded images
to a bank of 4,000 vectors. Anomalib chooses among the patches of all the images; its time grows
with their number, so few are taken.

Anomalib is for this comparison only: install the extra `anomalib` into an environment of its own.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from timing import interleaved, parser, record
from torch import Tensor, nn

from hardsight.backbones import Backbone
from hardsight.core.extras import needed
from hardsight.core.machine import instruction_sets, processor
from hardsight.data import AnomalyData, few, load
from hardsight.detectors import CoresetFit, PatchCore

SIZE, BANK, CPU = 256, 4000, torch.device("cpu")
LEVELS = {"taps": [2, 3], "precision": "fp32"}
MODELS, EXTRA = "anomalib.models.image.patchcore.torch_model", "'hardsight[anomalib]'"


def theirs(backbone: Backbone) -> nn.Module:
    """Return anomalib's model, unfitted, on the backbone's network."""
    models = needed(MODELS, EXTRA, "this comparison")
    model: nn.Module = models.PatchcoreModel(backbone.taps, backbone.name, pre_trained=False)
    model.feature_extractor.feature_extractor.load_state_dict(backbone.network.state_dict())
    return model


def fit_theirs(data: AnomalyData, backbone: Backbone) -> nn.Module:
    """Fit anomalib's model as its Engine does, batch by batch."""
    model = theirs(backbone).train()
    with torch.no_grad():
        for batch in torch.split(data.train.images(), 32):
            model((batch.float() / 255 - backbone.mean) / backbone.std)
    patches = sum(len(stored) for stored in model.embedding_store)
    model.subsample_embedding(BANK / patches)
    return model.eval()


def fit_ours(data: AnomalyData, backbone: Backbone) -> nn.Module:
    """Fit PatchCore as the preset does, and calibrate it."""
    return PatchCore(LEVELS, bank=BANK).fit(data, CoresetFit())


FITS = {"hardsight": fit_ours, "anomalib": fit_theirs}


def measured(name: str, folder: str, images: int) -> dict[str, float]:
    """Return seconds and the growth of the process's peak memory in a fit."""
    needed(MODELS, EXTRA, "this comparison")  # imported beside both
    data, backbone = few(load(folder, size=SIZE), images), Backbone(**LEVELS).pretrained()
    data.train.images(), data.validation.images()
    with torch.no_grad():
        backbone(torch.rand(2, 3, SIZE, SIZE))
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    FITS[name](data, backbone)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"fit, s": seconds, "fit, MiB": peak / 1024}


def apart(name: str, folder: str, images: int) -> dict[str, float]:
    """Return ``measured`` of a new process."""
    command = [sys.executable, __file__, folder, "--images", str(images), "--only", name]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(said.splitlines()[-1]))


@torch.no_grad()
def scoring(given: Any) -> dict[str, float]:
    """Return the seconds of a batch, by name."""
    backbone = Backbone(**LEVELS).pretrained()
    bank = torch.randn(BANK, sum(backbone.channels), generator=torch.Generator().manual_seed(0))
    other, ours, preset = theirs(backbone).eval(), PatchCore(LEVELS, bank=BANK), PatchCore()
    other.memory_bank = bank
    ours.bank.fill(bank)
    preset.bank.fill(torch.randn(len(preset.bank), preset.bank.vectors.shape[1]))
    x = torch.rand(given.batch, 3, SIZE, SIZE)

    def normalised(x: Tensor = x) -> object:
        return other((x - backbone.mean) / backbone.std)

    cases = {
        "hardsight": lambda: ours(x),
        "anomalib": normalised,
        "preset patchcore": lambda: preset(x),
    }
    return interleaved(cases, given.rounds)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("folder", help="of a category in the layout of MVTec AD")
    options.add_argument("--images", type=int, default=40, help="training images of the fits")
    options.add_argument("--only", choices=FITS, help="fit one, and print its figures")
    given = options.parse_args()
    if given.only:
        print(json.dumps(measured(given.only, given.folder, given.images)))
        return
    figures: dict[str, object] = {
        "CPU": processor(),
        "instruction sets": ", ".join(instruction_sets()),
        "torch computes with": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "training images": f"{given.images} of {Path(given.folder).name}",
    }
    fits = {name: apart(name, given.folder, given.images) for name in FITS}
    for name, values in fits.items():
        figures |= {f"{name}, {key}": value for key, value in values.items()}
    for key in fits["hardsight"]:
        ratio = fits["anomalib"][key] / fits["hardsight"][key]
        figures[f"anomalib / hardsight, {key.partition(',')[2].strip()} of the fit"] = ratio
    seconds = scoring(given)
    for name, value in seconds.items():
        figures[f"{name}, ms an image in a batch of {given.batch}"] = 1000 * value / given.batch
    figures["anomalib / hardsight, time of scoring"] = seconds["anomalib"] / seconds["hardsight"]
    record("peers_patchcore", figures, CPU)


if __name__ == "__main__":
    main()
