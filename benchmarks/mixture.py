"""The margin that purification adds, where the score is known exactly (Blau et al., Figure 3).

    .venv/bin/python benchmarks/mixture.py [--seeds 4] [--steps 5000]

Ten layers learn two classes of four Gaussian groups each; DDIM with the analytic score is put in
front of them. Draws both decisions, and writes the margins to benchmarks/results/mixture.json.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from boundary import class_map, margins, write_boundary_html
from figures import keep
from gaussian_mixture import Mixture, MixtureDenoiser, even_schedule
from torch import Generator, nn
from torch.nn import functional as F

from hardsight.attacks import L2, PGD, MarginObjective
from hardsight.attacks.objectives.draws import evaluate_draws
from hardsight.evaluation.provenance import commit
from hardsight.purifiers import DDIMPurifier, Purified


def fit(mixture: Mixture, seed: int, steps: int, width: int) -> nn.Module:
    x, y = mixture.sample(10_000, Generator().manual_seed(0))
    torch.manual_seed(seed)
    layers = [nn.Flatten(), nn.Linear(2, width), nn.ReLU()]
    for _ in range(8):
        layers += [nn.Linear(width, width), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(width, 2)).double()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    draws = Generator().manual_seed(seed)
    for _ in range(steps):
        part = torch.randint(len(x), (128,), generator=draws)
        optimizer.zero_grad()
        F.cross_entropy(model(x[part].view(-1, 1, 1, 2)), y[part]).backward()
        optimizer.step()
    return model.eval().requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5000, help="of training, 128 points each")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--sigma", type=float, default=0.02, help="noise at T*, in pixel units")
    parser.add_argument("--eta", type=float, default=0.0)
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--side", type=int, default=161)
    parser.add_argument("--eps", type=float, nargs="+", default=[0.03, 0.05, 0.07, 0.09])
    parser.add_argument("--picture", type=Path, help="page of the first seed's decisions")
    given = parser.parse_args()
    mixture = Mixture.rings()
    denoiser = MixtureDenoiser(mixture, even_schedule(10, 1 / (1 + 4 * given.sigma**2)))
    purifier = DDIMPurifier(denoiser, depth=9, skip=1, eta=given.eta)
    points, labels = mixture.sample(500, Generator().manual_seed(1))
    x = points.view(-1, 1, 1, 2)
    rows = []
    for seed in range(given.seeds):
        model = fit(mixture, seed, given.steps, given.width)
        pair = {"without": model, "with": Purified(purifier, model, given.draws, "vote")}
        maps = {}
        for name, victim in pair.items():
            g = Generator().manual_seed(seed)
            maps[name] = class_map(victim, given.side, g)
            distance = margins(maps[name], points, labels)
            row = {
                "seed": seed,
                "purification": name,
                "margin at 5, 50 %": np.quantile(distance, [0.05, 0.5]).tolist(),
            }
            for eps in (0.0, *given.eps):
                attack = PGD(L2(eps), steps=20 if eps else 0)
                worst = attack(MarginObjective(victim, labels, 2 * given.draws), x, g).images
                right = evaluate_draws(victim, worst, 1, g).argmax(1) == labels
                row[f"accuracy at L2 {eps:g}"] = float(right.double().mean())
            rows.append(row)
            print(row)
        if given.picture and seed == 0:
            title = "DDIM purification of a classifier in the plane"
            write_boundary_html(maps, points, labels, given.picture, title)
    settings = {k: v for k, v in vars(given).items() if k != "picture"}
    key = f"sigma {given.sigma:g}, eta {given.eta:g}, {given.steps} steps"
    keep("mixture", key, {"settings": settings, "rows": rows, "commit": commit()})


if __name__ == "__main__":
    main()
