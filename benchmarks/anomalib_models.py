"""Fit models of anomalib, and attack them through exact gradients; results/anomalib_models.json.

    python benchmarks/anomalib_models.py ../shared/data/mvtec256/{toothbrush,bottle} \
        --models PatchCore PaDiM STFPM
    python benchmarks/anomalib_models.py --table

Each model stands on the bundled EfficientNet-Lite0, is fitted by its own code to training images
that hardsight takes, decoded as hardsight does, and measured in stages as ``baselines`` measures
hardsight's methods: fit, clean figures on all test images, images a second, the gradient beside
finite differences on a held-out image, and one stage for every suite in every ball. A model whose
gradient is refused is not attacked, and the stage says so. STFPM is attacked at L-inf 10/255 too,
as Intel MART's example does, and there by FGSM through the gradient as anomalib ships it. Fitted
models are in runs/anomalib/. ``--table`` prints hardsight's method of the same name beside each.

Needs the extra ``anomalib``, in an environment of its own, and pytest.
"""

import argparse
import hashlib
import logging
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

from anomalib_fitting import RECIPES, Recipe, Subject
from anomalib_gradients import examined
from figures import kept
from staged import Attacks, Staged, Stages, measure

from hardsight.attacks import Suite, build_suite
from hardsight.cli.progress import told
from hardsight.core.files import write_tensors
from hardsight.data import AnomalyData, Manifest, few, load
from hardsight.detectors import Detector
from hardsight.detectors.adapters.anomalib import unchecked
from hardsight.evaluation import Evaluation, Execution, Protocol, Record, evaluate
from hardsight.evaluation.provenance import describe, fingerprint

SIZE = 256
"""Side of the images in pixels."""
CLAIM = ("fgsm", "pgd"), ("Linf", "10/255")
"""Suites and ball of the re-evaluation of Intel MART's attack on STFPM, which is FGSM."""


class AnomalibModel(Staged):
    """A model of anomalib's, measured in stages.

    Args:
        subject: fitted here where it was not.
        attacks: what it is measured under, as far as its gradient is exact.
    """

    def __init__(self, subject: Subject, attacks: Attacks) -> None:
        super().__init__(attacks)
        self.subject = subject

    @cached_property
    def module(self) -> Any:
        """The fitted module."""
        return self.subject.loaded()

    @cached_property
    def opened(self) -> tuple[Detector, AnomalyData]:
        """The detector with its gradient restored, not compared yet; and its data set."""
        return unchecked(self.module, SIZE), self.subject.data

    @property
    def weights(self) -> str | None:
        """The fingerprint of the fitted detector; None: it is not fitted."""
        return fingerprint(self.opened[0]) if self.subject.path.exists() else None

    @property
    def checks(self) -> Stages:
        """The comparison of the gradient with finite differences."""
        return {"gradient": lambda: self.gradient}

    @property
    def stages(self) -> Stages:
        """All stages, in order; of a claim that of the gradient as shipped last."""
        found = super().stages
        if self.subject.recipe.claimed:
            suite = build_suite("fgsm", *CLAIM[1], self.attacks.suites[0].budget)
            name = f"{self.attacks.named(suite)}, gradient as shipped"
            found[name] = partial(self.attack_as_shipped, suite)
        return found

    def fit(self) -> dict[str, Any]:
        """Fit, keep the weights, and say what was fitted."""
        import anomalib

        one, begun = self.subject, time.perf_counter()
        module = one.fitted()
        seconds = time.perf_counter() - begun
        state = {name: w.contiguous() for name, w in module.model.state_dict().items()}
        write_tensors(one.path, state)
        for read in ("module", "opened", "gradient"):  # of weights that were there before
            self.__dict__.pop(read, None)
        detector, data = self.opened
        return {
            "fit_seconds": round(seconds, 1),
            "scoring_precision": {"name": "fp32"},
            "weights": fingerprint(detector),
            "checkpoints": {one.path.name: hashlib.sha256(one.path.read_bytes()).hexdigest()},
            "backbone": str(one.backbone),
            "paper": None,
            "random": detector.random,
            "model": f"anomalib.models.{one.recipe.model} of anomalib {anomalib.__version__}",
            "settings": one.used(module),
            "note": one.note,
            "provenance": describe(detector, data, Manifest.of(data).sha256, one.seed),
        }

    @cached_property
    def gradient(self) -> dict[str, Any]:
        """What the gradient is worth on a held-out normal image."""
        image = self.subject.data.validation.images()[:1].float() / 255
        return examined(self.module, image, self.opened[0])

    def measured(self, data: AnomalyData, suites: Sequence[Suite] = ()) -> Evaluation:
        """Evaluate the detector; finished batches are kept."""
        return self._evaluated(self.opened[0], data, suites, "evaluation")

    def attack(self, suite: Suite) -> dict[str, Any] | None:
        """Attack a part of the test images, or say why there is no gradient to follow."""
        if self.gradient["adapter"] != "accepted":
            return {"not run": suite.name, "why": "the check of the gradient refused the model"}
        return super().attack(suite)

    def attack_as_shipped(self, suite: Suite) -> dict[str, Any]:
        """Attack the same test images through the gradient as anomalib ships it."""
        shipped = unchecked(self.module, SIZE, restore=False)
        found = self._evaluated(shipped, self.attacked, [suite], "evaluation as shipped")
        return {"rows through the gradient as shipped": found.to_json()["rows"]}

    def _evaluated(
        self, detector: Detector, data: AnomalyData, suites: Sequence[Suite], name: str
    ) -> Evaluation:
        with told() as progress:
            return evaluate(
                detector,
                data,
                suites,
                protocol=Protocol(gallery=0),
                execution=Execution(self.subject.place / name, progress=progress),
                record=Record(provenance={"model": self.subject.recipe.model}),
            )


def attacks_on(recipe: Recipe, given: argparse.Namespace) -> Attacks:
    """Return the suites and balls of the command line, and those of a claim."""
    balls = [ball.split(":") for ball in given.balls]
    pairs = list(product(given.suites, balls))
    if recipe.claimed:
        pairs += product(CLAIM[0], CLAIM[1:])
    suites = (build_suite(name, *ball, given.budget) for name, ball in pairs)
    return Attacks(tuple(suites), given.images)


def table(results: str) -> str:
    """Return AUROCs of anomalib's models as Markdown, beside hardsight's of the same name."""
    beside = kept("baselines")
    lines = ["| model | category | clean | pixel | L-inf 2/255 | L2 0.2 |", "|---" * 6 + "|"]
    for key, entry in kept(results).items():
        label, category, seed = key.rsplit(", ", 2)
        own = f"{label.partition(' ')[2].lower()}, {category}, {seed}"
        for name, found in ((label, entry), (f"`{own.partition(',')[0]}`", beside.get(own))):
            if found:
                lines.append(f"| {name} | {category} | {' | '.join(_cells(found))} |")
    return "\n".join(lines)


def _cells(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield image and pixel AUROC, clean, and the image's under PGD in both balls."""
    clean = entry["clean"]["rows"]
    parts = [(clean, None, "image"), (clean, None, "pixel")]
    for norm, ball in (("Linf", "L-inf 2/255"), ("L2", "L2 0.2")):
        names = (name for name in entry if name.startswith(f"pgd, {ball}, "))
        found = entry.get(next(names, ""), {})
        parts.append((found.get("rows", []), norm, "image"))
    for rows, norm, target in parts:
        wanted = (norm, target, "AUROC")
        same = (r for r in rows if (r["norm"], r["target"], r["metric"]) == wanted)
        yield f"{row['mean'][0]:.3f}" if (row := next(same, None)) else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="of data sets")
    parser.add_argument("--models", nargs="+", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--suites", nargs="*", default=["pgd"])
    parser.add_argument("--balls", nargs="+", default=["Linf:2/255", "L2:0.2"])
    parser.add_argument("--budget", default="fast")
    parser.add_argument("--images", type=int, default=24, help="that are attacked")
    parser.add_argument("--train", type=int, help="training images at most, evenly spread")
    parser.add_argument("--runs", type=Path, default=Path("runs/anomalib"))
    parser.add_argument("--results", default="anomalib_models")
    parser.add_argument("--table", action="store_true", help="print what is there")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    for method, folder, seed in product(given.models, given.folders, given.seeds):
        place = given.runs / f"{method}-{folder.name}-{seed}"
        data, note = load(folder, size=SIZE), ""
        if given.train and given.train < len(data.train):
            note = f"; fitted to {given.train} of {len(data.train)} training images"
            data = few(data, given.train)
        subject = Subject(method, data, seed, place, note)
        model = AnomalibModel(subject, attacks_on(RECIPES[method], given))
        measure(model, given.results, f"anomalib {method}, {folder.name}, seed {seed}")
    if given.table:
        print(table(given.results))


if __name__ == "__main__":
    main()
