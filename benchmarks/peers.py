"""Our attacks on classifiers against those of other libraries, on a small MNIST network.

    .venv/bin/python benchmarks/peers.py --data ../shared/data

APGD with cross-entropy and with DLR against pyautoattack at the same steps, restarts and seeds:
robust accuracy on the first test images. EOT-PGD against torchattacks.EOTPGD on the same random
network, budget and batch: time, the two taking turns. What an image is worth once attacked is the
prediction on the image returned.

torchattacks and pyautoattack are for this comparison only and no dependency of hardsight. Install
them beside it, without the old pins of theirs: pip install --no-deps torchattacks pyautoattack
"""

import importlib
import statistics
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from timing import interleaved, parser, record
from torch import Tensor, nn
from torch.nn import functional as F

from hardsight.attacks import APGD, PGD, CrossEntropyObjective, DLRObjective, Linf, frozen
from hardsight.core.devices import pick_device

EOT_STEPS, EOT_DRAWS = 5, 20


def peer(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        sys.exit(f"{name} cannot be imported ({error}); pip install --no-deps {name}")


def mnist(folder: Path, part: str, device: torch.device) -> tuple[Tensor, Tensor]:
    path = folder / f"mnist_{part}.npz"
    if not path.exists():
        sys.exit(f"{path} is missing; give the folder of mnist_{{train,test}}.npz with --data")
    arrays = np.load(path)
    images = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2).float() / 255
    return images.to(device), torch.from_numpy(arrays["labels"]).long().to(device)


class Jitter(nn.Module):
    """Adds Gaussian noise, in training and in use."""

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        return x + self.sigma * torch.randn_like(x) if self.sigma else x


def network(sigma: float = 0.0) -> nn.Sequential:
    return nn.Sequential(
        Jitter(sigma),
        nn.Conv2d(1, 16, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 49, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


def train(model: nn.Module, images: Tensor, labels: Tensor, seconds: float) -> None:
    """Adam for about ``seconds`` on images with 0.1 of random sign added to every pixel."""
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    g = torch.Generator(images.device).manual_seed(0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pick = torch.randint(len(images), (128,), generator=g, device=images.device)
        x, y = images[pick], labels[pick]
        x = (x + 0.1 * torch.randn(x.shape, generator=g, device=x.device).sign()).clamp(0, 1)
        optimiser.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimiser.step()


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    return float((model(x).argmax(1) == y).float().mean())


def robust(
    model: nn.Module, x: Tensor, y: Tensor, eps: float, steps: int, seeds: range
) -> dict[str, object]:
    """Robust accuracy in percent, one per seed."""
    base = peer("pyautoattack.autopgd_base")
    figures: dict[str, object] = {"clean accuracy, %": 100 * accuracy(model, x, y)}
    for name, objective in (("ce", CrossEntropyObjective), ("dlr", DLRObjective)):
        ours, theirs = [], []
        for seed in seeds:
            attack = APGD(Linf(eps), steps)
            g = torch.Generator(x.device).manual_seed(seed)
            found = attack(objective(model, y), x, g).images
            ours.append(100 * accuracy(model, found, y))
            rival = base.APGDAttack(
                model,
                n_iter=steps,
                norm="Linf",
                n_restarts=1,
                eps=eps,
                seed=seed,
                loss=name,
                eot_iter=1,
                rho=0.75,
                device=x.device,
            )
            theirs.append(100 * accuracy(model, rival.perturb(x, y), y))
        figures[f"apgd-{name}, hardsight, %"] = [round(v, 2) for v in ours]
        figures[f"apgd-{name}, pyautoattack, %"] = [round(v, 2) for v in theirs]
        figures[f"apgd-{name}, hardsight - pyautoattack, points"] = statistics.mean(
            ours
        ) - statistics.mean(theirs)
    return figures


def timed(
    model: nn.Module, x: Tensor, y: Tensor, eps: float, sizes: list[int], rounds: int
) -> dict[str, object]:
    """Median seconds of both EOT attacks at each batch size, and what they leave of accuracy."""
    torchattacks = peer("torchattacks")
    alpha = 2.5 * eps / EOT_STEPS
    figures: dict[str, object] = {}
    for size in sizes:
        images, labels = x[:size], y[:size]
        theirs = torchattacks.EOTPGD(model, eps, alpha, EOT_STEPS, EOT_DRAWS)

        def ours(images: Tensor = images, labels: Tensor = labels) -> Tensor:
            objective = CrossEntropyObjective(model, labels, draws=EOT_DRAWS)
            return PGD(Linf(eps), EOT_STEPS, alpha)(objective, images).images

        def rival(images: Tensor = images, labels: Tensor = labels, attack=theirs) -> Tensor:
            return attack(images, labels)

        seconds = interleaved({"hardsight": ours, "torchattacks": rival}, rounds)
        for name, value in seconds.items():
            figures[f"eot-pgd, batch {size}, {name}, seconds"] = value
        figures[f"eot-pgd, batch {size}, torchattacks / hardsight, time"] = (
            seconds["torchattacks"] / seconds["hardsight"]
        )
    largest = max(sizes)
    for name, attack in (("hardsight", ours), ("torchattacks", rival)):
        found = attack()
        left = [accuracy(model, found, y[:largest]) for _ in range(20)]
        figures[f"eot-pgd, accuracy left of {largest}, {name}, %"] = 100 * statistics.mean(left)
    return figures


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--eps", type=float, default=0.1)
    arguments.add_argument("--images", type=int, default=500)
    arguments.add_argument("--steps", type=int, default=100)
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=60, help="of training, each network")
    arguments.add_argument("--batches", type=int, nargs="*", default=[1, 8, 64])
    given = arguments.parse_args()
    device = pick_device("auto")
    images, labels = mnist(given.data, "train", device)
    x, y = (v[: given.images] for v in mnist(given.data, "test", device))
    torch.manual_seed(0)
    still, random = network().to(device), network(sigma=0.2).to(device)
    for model in (still, random):
        train(model, images, labels, given.seconds)
        model.eval()
    figures: dict[str, object] = {
        "eps": given.eps,
        "images": given.images,
        "steps": given.steps,
        "seeds": given.seeds,
    }
    with frozen(still, random):
        figures |= robust(still, x, y, given.eps, given.steps, range(given.seeds))
        figures |= {"eot steps": EOT_STEPS, "eot draws": EOT_DRAWS}
        figures |= timed(random, x, y, given.eps, given.batches, given.rounds)
    record("peers", figures, device)


if __name__ == "__main__":
    main()
