"""Seconds an image at 256 x 256: preset `advrad` with one draw beside anomalib's fast models.

    python benchmarks/peers_scoring.py [--rounds 9] [--batch 8]

PatchCore and FastFlow on a ResNet-18, eager and in float32 as `advrad` is here, on the same cores,
in turns. Weights are random, which changes no time. PatchCore's memory bank is random too, of the
size that its defaults make of 200 images: a tenth of their 1,024 patches each. Anomalib's own
centre crop to 224 pixels is left out, for all see 256.

Anomalib is for this comparison only: install the extra `anomalib` into an environment of its own.
"""

import torch
from scoring import build
from timing import interleaved, parser, record
from torch import Tensor, nn

from hardsight.core.extras import needed
from hardsight.core.machine import instruction_sets, processor

SIZE, IMAGES, CORESET = 256, 200, 0.1
MODELS, EXTRA = "anomalib.models.image", "'hardsight[anomalib]'"
CPU = torch.device("cpu")


def patchcore() -> nn.Module:
    models = needed(f"{MODELS}.patchcore.torch_model", EXTRA, "this comparison")
    model: nn.Module = models.PatchcoreModel(("layer2", "layer3"), "resnet18", pre_trained=False)
    patches, features = (SIZE // 8) ** 2, 128 + 256
    model.memory_bank = torch.rand(round(CORESET * IMAGES * patches), features)
    return model.eval()


def fastflow() -> nn.Module:
    models = needed(f"{MODELS}.fastflow.torch_model", EXTRA, "this comparison")
    model: nn.Module = models.FastflowModel((SIZE, SIZE), "resnet18", pre_trained=False)
    return model.eval()


@torch.no_grad()
def main() -> None:
    given = parser(__doc__).parse_args()
    detector = build("advrad", CPU, draws=1, precision="fp32")
    rivals = {"PatchCore-R18": patchcore(), "FastFlow-R18": fastflow()}
    figures: dict[str, object] = {
        "CPU": processor(),
        "instruction sets": ", ".join(instruction_sets()),
        "torch computes with": torch.backends.cpu.get_cpu_capability(),
    }
    for batch in sorted({1, given.batch}):
        x = torch.rand(batch, 3, SIZE, SIZE)
        noise = detector.sample_noise(x)

        def ours(x: Tensor = x, noise: Tensor | None = noise) -> object:
            return detector(x, noise)

        cases = {"advrad": ours}
        for name, model in rivals.items():
            cases[name] = lambda model=model, x=x: model(x)
        seconds = interleaved(cases, given.rounds)
        faster = min(seconds[name] for name in rivals)
        for name, value in seconds.items():
            figures[f"batch {batch}, {name}, ms an image"] = 1000 * value / batch
        figures[f"batch {batch}, advrad / the faster of the others, rate"] = (
            faster / seconds["advrad"]
        )
    record("peers_scoring", figures, CPU)


if __name__ == "__main__":
    main()
