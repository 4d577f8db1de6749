"""Certification: its speed beside plain scoring, and the certificates of fitted runs.

    .venv/bin/python benchmarks/certify.py [--rounds 9] [--batch 16]
    .venv/bin/python benchmarks/certify.py --run runs/benchmark/bottle [--attack-images 20]
    .venv/bin/python benchmarks/certify.py --run runs/benchmark/bottle --n 100 --limit 40 \
        --designs single denoise plain --sigma 0.0625 0.125 0.25 --attacks --label settings

The first holds one certified batch (smoothing noise, score, pixel counts) against one plain
forward pass, in turns. The second certifies a run with both designs and attacks the smoothed
score, resumably, and writes RUN/certificate/ as well as benchmarks/results/certify.json. The third
holds settings against each other on a part of the test set, and is kept beside it.
"""

import argparse
import itertools
from dataclasses import replace
from pathlib import Path

import torch
from figures import keep
from scoring import build
from timing import interleaved, parser, record

from hardsight.attacks import APGD, L2, PGD, Attempt, Suite
from hardsight.certify import PixelCounter, detections, score_samples
from hardsight.cli.certify import print_certificate
from hardsight.cli.progress import told
from hardsight.core.devices import pick_device
from hardsight.detectors.held_out import shares
from hardsight.evaluation import (
    Certification,
    Execution,
    Smoothing,
    Terms,
    attack_certified,
    certify,
)
from hardsight.evaluation.provenance import commit
from hardsight.runs import open_detector_run


@torch.no_grad()
def speed(batch: int, rounds: int) -> None:
    device = pick_device("auto")
    detector = build("advrad", device)
    x = torch.rand(batch, 3, 256, 256, device=device)
    generator = torch.Generator(device).manual_seed(0)

    def plain() -> None:
        detector(x, detector.sample_noise(x, generator))

    def certified() -> None:
        counter = PixelCounter(detections(detector), 1.0)
        score_samples(counter, x[0], batch, 0.125, generator, batch)

    seconds = interleaved({"plain": plain, "certified": certified}, rounds)
    figures: dict[str, object] = {f"{n}, images per second": batch / t for n, t in seconds.items()}
    figures["certified / plain, rate"] = seconds["plain"] / seconds["certified"]
    figures["batch"] = batch
    record("certify-speed", figures, device)


def attacks(ball: L2, given: argparse.Namespace) -> list[Suite]:
    """EOT-PGD and APGD, each on the score and on smooth stand-ins, with averaged draws."""
    known = {"EOT-PGD": PGD(ball, given.steps), "APGD": APGD(ball, given.steps)}
    optimisers = {name: known[name] for name in given.attacks}
    return [
        Suite(
            name,
            ball,
            lambda b, o=optimiser: tuple(  # type: ignore[misc]
                Attempt(replace(o, ball=b), objective, given.draws)
                for objective in given.objectives
            ),
            budget="own",
        )
        for name, optimiser in optimisers.items()
    ]


def main() -> None:
    arguments = parser(__doc__)
    arguments.set_defaults(batch=16)
    arguments.add_argument("--run", type=Path, help="a fitted run to certify; without: the speed")
    arguments.add_argument("--data", type=Path, help="another place of its data set")
    arguments.add_argument("--sigma", type=float, nargs="+", default=[0.125])
    arguments.add_argument("--n", type=int, default=1000)
    arguments.add_argument("--alpha", type=float, default=0.001)
    arguments.add_argument("--radii", type=float, nargs="+", default=[0, 0.05, 0.1, 0.2])
    arguments.add_argument("--designs", nargs="+", default=["plain", "denoise"])
    arguments.add_argument("--limit", type=int, help="test images, as many of each label")
    arguments.add_argument("--label", help="keep it under this name beside the run's certificate")
    arguments.add_argument(
        "--attacks", nargs="*", default=["EOT-PGD", "APGD"], choices=["EOT-PGD", "APGD"]
    )
    arguments.add_argument("--attack-radii", type=float, nargs="*", default=[0.1])
    arguments.add_argument("--attack-images", type=int, help="test images; default: all")
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument("--draws", type=int, default=8)
    arguments.add_argument("--objectives", nargs="+", default=["score", "top"])
    arguments.add_argument("--max-minutes", type=float, help="for each design")
    given = arguments.parse_args()
    if given.run is None:
        speed(given.batch, given.rounds)
        return
    run = open_detector_run(given.run)
    detector, data = run.detector(), run.data(given.data)
    if given.limit:
        data = data.limited(given.limit, balanced=True)
    selecting = run.config.fit.splits_validation
    _, calibrating = shares(data.validation.images(), selecting)
    folder = run.path / "certificate"
    suites = [s for radius in given.attack_radii for s in attacks(L2(radius), given)]
    place = Execution(folder / "state", given.max_minutes)
    found: list[Certification] = []
    for design, sigma in itertools.product(given.designs, given.sigma):
        terms = Terms(sigma, given.n, given.alpha, radii=tuple(sorted(set(given.radii))))
        smoothing = Smoothing(design, batch_size=given.batch)
        with told() as progress:
            common = {
                "smoothing": smoothing,
                "normals": calibrating,
                "execution": replace(place, progress=progress),
            }
            whole = certify(detector, data, terms, **common)
            if suites:
                few = data.limited(given.attack_images) if given.attack_images else data
                # the same copies as above: nothing is sampled again
                part = certify(detector, few, terms, **common)
                attacked = attack_certified(
                    part,
                    detector,
                    few,
                    suites,
                    execution=Execution(folder / "state", progress=progress),
                )
                whole = replace(whole, attacks=attacked.attacks)
        found.append(whole)
    print_certificate(found, folder / given.label if given.label else folder)
    certificates = [c.to_json() for c in found]
    for values in certificates:
        for of_each_image in ("names", "labels", "medians", "decisions", "radii", "curve"):
            del values[of_each_image]  # certificate.json has them
    name = f"{run.path.name}, {given.label}" if given.label else run.path.name
    keep("certify", name, {"certified at": commit(), "certificates": certificates})


if __name__ == "__main__":
    main()
