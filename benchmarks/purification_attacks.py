"""Attacks on purification where the score is known, and what is certified beside what they leave.

    .venv/bin/python benchmarks/purification_attacks.py [--seeds 3] [--points 256]

The classifier of ``mixture.py`` behind DDIM with the analytic score, once a draw and as a vote, is
attacked in L2 by every suite made for purifiers; behind one denoising step it is certified, and its
vote attacked at the same radii (``--parts``). Writes benchmarks/results/purification_attacks.json.
"""

import argparse

import torch
from figures import keep
from gaussian_mixture import Mixture, MixtureDenoiser, even_schedule
from mixture import fit
from torch import Generator, nn

from hardsight.attacks.class_suites import class_suite
from hardsight.data import LabelledImages
from hardsight.evaluation import (
    Protocol,
    Terms,
    Voting,
    attack_certified_classes,
    certify_classifier,
    evaluate_classifier,
)
from hardsight.evaluation.provenance import commit
from hardsight.purifiers import DDIMPurifier, OneShot, Purified

SUITES = {
    "one draw": ("bpda-eot", "eot-pgd", "surrogate-eot", "deviation", "purification"),
    "vote of 9": ("bpda-eot", "eot-pgd", "vote-eot", "surrogate-eot", "deviation", "purification"),
}


def denoiser(mixture: Mixture, sigma: float) -> MixtureDenoiser:
    return MixtureDenoiser(mixture, even_schedule(10, 1 / (1 + 4 * sigma**2)))


def drawn(mixture: Mixture, count: int) -> LabelledImages:
    points, labels = mixture.sample(count, Generator().manual_seed(1))
    pixels = (255 * points).round().to(torch.uint8).view(-1, 1, 1, 2)
    return LabelledImages("mixture", pixels, labels, ("red", "blue"))


def attacked(model: nn.Module, data: LabelledImages, names: list[str], eps: float) -> list[dict]:
    suites = [class_suite(name, "L2", eps) for name in names]
    protocol = Protocol(batch_size=len(data), gallery=0)
    found = evaluate_classifier(model, data, suites, protocol=protocol)
    columns = ("mean", "single", "worst", "fixed")
    return [
        {"attack": row.attack, "passes": row.budget.passes}
        | {name: value for name in columns if (value := getattr(row, name)) is not None}
        for row in found.rows
    ]


def attacks(
    plain: nn.Module, mixture: Mixture, data: LabelledImages, sigma: float, eps: float
) -> dict[str, list[dict]]:
    ddim = DDIMPurifier(denoiser(mixture, sigma), depth=9, skip=1)
    models = {"one draw": Purified(ddim, plain), "vote of 9": Purified(ddim, plain, 9, "vote")}
    found = {"alone": attacked(plain, data, ["pgd"], eps)}
    for name, model in models.items():
        found[name] = attacked(model.eval(), data, list(SUITES[name]), eps)
    again = attacked(models["one draw"], data, ["resubmission"], eps)
    found["one draw"].append(again[1])
    return found


def certified(
    plain: nn.Module, mixture: Mixture, data: LabelledImages, given: argparse.Namespace
) -> list[dict]:
    sigma = given.smoothing
    model = Purified(OneShot(denoiser(mixture, sigma), sigma, noisy=True), plain).eval()
    terms = Terms(sigma, given.copies, radii=(0.0, *given.radii))
    voting = Voting(batch_size=given.copies)
    found = certify_classifier(model, data.images, data.labels, terms, voting=voting)
    suites = [class_suite("eot-pgd", "L2", r, fixed=False) for r in given.radii]
    protocol = Protocol(fresh_draws=100, batch_size=len(data), gallery=0)
    after = attack_certified_classes(found, model, data, suites, protocol=protocol)
    return [found.rows[0]._asdict(), *(a._asdict() for a in after.attacks)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5000, help="of training, 128 points each")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--parts", nargs="+", default=["attacks", "certificate"])
    parser.add_argument("--sigma", type=float, default=0.02, help="noise at T*")
    parser.add_argument("--smoothing", type=float, default=0.05, help="noise of the certificate")
    parser.add_argument("--eps", type=float, default=0.09, help="L2")
    parser.add_argument("--points", type=int, default=256)
    parser.add_argument("--copies", type=int, default=1000, help="noisy ones, of the certificate")
    parser.add_argument("--radii", type=float, nargs="+", default=[0.03, 0.06, 0.09, 0.12])
    given = parser.parse_args()
    mixture = Mixture.rings()
    data = drawn(mixture, given.points)
    made: dict[str, list] = {part: [] for part in given.parts}
    for seed in range(given.seeds):
        plain = fit(mixture, seed, given.steps, given.width).float()
        if "attacks" in made:
            found = attacks(plain, mixture, data, given.sigma, given.eps)
            made["attacks"].append({"seed": seed, **found})
        if "certificate" in made:
            made["certificate"].append(certified(plain, mixture, data, given))
    for part, rows in made.items():
        print(part, rows)
        record = {"settings": vars(given), "rows": rows, "commit": commit()}
        keep("purification_attacks", f"{part}, {given.seeds} seeds", record)


if __name__ == "__main__":
    main()
