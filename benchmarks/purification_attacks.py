"""Attacks on purification where the score is known, and what is certified beside what they leave.

    .venv/bin/python benchmarks/purification_attacks.py [--seeds 3] [--points 256]

The classifier of ``mixture.py`` behind DDIM with the analytic score, once a draw and as a vote, is
attacked in L2 by every suite made for purifiers; behind one denoising step it is certified, and its
vote attacked at the same radii. Writes benchmarks/results/purification_attacks.json.
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


def certified(model: nn.Module, data: LabelledImages, given: argparse.Namespace) -> list[dict]:
    terms = Terms(given.sigma, given.copies, radii=(0.0, *given.radii))
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
    parser.add_argument("--sigma", type=float, default=0.02, help="noise at T*, and of smoothing")
    parser.add_argument("--eps", type=float, default=0.09, help="L2")
    parser.add_argument("--points", type=int, default=256)
    parser.add_argument("--copies", type=int, default=500, help="noisy ones, of the certificate")
    parser.add_argument("--radii", type=float, nargs="+", default=[0.01, 0.02, 0.03, 0.04])
    given = parser.parse_args()
    mixture = Mixture.rings()
    data = drawn(mixture, given.points)
    schedule = even_schedule(10, 1 / (1 + 4 * given.sigma**2))
    denoiser = MixtureDenoiser(mixture, schedule)
    ddim = DDIMPurifier(denoiser, depth=9, skip=1)
    rows = []
    for seed in range(given.seeds):
        plain = fit(mixture, seed, given.steps, given.width).float()
        models = {
            "one draw": Purified(ddim, plain),
            "vote of 9": Purified(ddim, plain, 9, "vote"),
        }
        one = {"seed": seed, "alone": attacked(plain, data, ["pgd"], given.eps)}
        for name, model in models.items():
            one[name] = attacked(model.eval(), data, list(SUITES[name]), given.eps)
        again = attacked(models["one draw"], data, ["resubmission"], given.eps)
        one["one draw"].append(again[1])
        one_shot = Purified(OneShot(denoiser, given.sigma, noisy=True), plain).eval()
        one["certified"] = certified(one_shot, data, given)
        rows.append(one)
        print(one)
    key = f"sigma {given.sigma:g}, L2 {given.eps:g}"
    keep("purification_attacks", key, {"settings": vars(given), "rows": rows, "commit": commit()})


if __name__ == "__main__":
    main()
