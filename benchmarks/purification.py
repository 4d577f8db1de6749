"""Purification on CIFAR-10: clean, BPDA+EOT and white-box+EOT, and whether BPDA overstates.

    .venv/bin/python benchmarks/purification.py --data ../shared/data --limit 512

Trains a small denoiser and a classifier (an hour each on two cores by default), puts purifiers in
front of the classifier and attacks them at L-inf 8/255. With ``--held-out`` T* is chosen among
``--depths`` on training images that are kept out, and the accuracy of these behind the purifier is
noted as the denoiser is trained. A second call goes on where the first was; figures go to
benchmarks/results/purification.json, pages to the runs folder.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from figures import keep
from fitting import Watch, curve, note, parameters, trained
from purified import chained, purified, purifiers
from torch import Generator, nn

from hardsight.augment import AugmentationPolicy, TrainingImages
from hardsight.classifiers import ClassificationTask, WideResNet, save_classifier
from hardsight.cli.progress import told
from hardsight.core.modules import in_mode
from hardsight.data import LabelledImages, cifar10, cifar10c
from hardsight.diffusion import Denoiser, FastDenoiser, PaperDenoiser
from hardsight.evaluation import (
    FOUR_THREATS,
    Curve,
    Execution,
    Protocol,
    Record,
    accuracy_curve,
    choose_depth,
    class_suite,
    evaluate_classifier,
)
from hardsight.purifiers import Purified
from hardsight.reports import write_report
from hardsight.synthesis import CORRUPTIONS, corrupt
from hardsight.training import DenoisingTask

METHODS = {"ddim": "ddim", "ddim-eta1": "ddim", "diffpure": "diffpure", "adp": "adp"}


def suites(g: argparse.Namespace) -> list:
    own = {"steps": g.steps, "draws": g.draws}
    made = []
    for name in g.suites:
        threats = FOUR_THREATS if g.four_threats and name == "blau-eot" else FOUR_THREATS[:1]
        made += [class_suite(name, norm, eps, **own) for norm, eps in threats]
    return made


def curves(
    g: argparse.Namespace, denoiser: Denoiser, classifier: nn.Module, test: LabelledImages
) -> list[Curve]:
    """Accuracy against T*: clean, attacked (Figure 4) and on corruptions (Figure 6)."""
    if g.no_curves or not g.depths:
        return []

    protocol, state = Protocol(batch_size=g.batch), g.runs / "curves"
    whole = [class_suite(n, steps=g.steps, draws=g.draws) for n in ("blau-pgd", "blau-eot")]
    lines = {}
    for suite in (None, *whole):
        name = suite.name if suite else "clean"
        with told() as progress:
            lines[name] = accuracy_curve(
                g.depths,
                lambda d: (purified(g, chained(g, denoiser, d), classifier), test),
                suite,
                protocol=protocol,
                execution=Execution(state, progress=progress),
            )
    found = [Curve("Accuracy against depth", "T*", lines, "Figure 4: L-inf 8/255")]
    if g.severities:
        each = {}
        for severity in g.severities:
            pooled = corrupted(g, test, severity)
            with told() as progress:
                each[f"severity {severity}"] = accuracy_curve(
                    g.depths,
                    lambda d, x=pooled: (purified(g, chained(g, denoiser, d), classifier), x),
                    protocol=protocol,
                    execution=Execution(state, progress=progress),
                )
        origin = "CIFAR-10-C" if g.cifar10c else "generated here"
        text = f"Figure 6: all nineteen corruptions pooled, {origin}"
        found.append(Curve("Corruptions against depth", "T*", each, text))
    return found


def purified_accuracy(
    g: argparse.Namespace, classifier: nn.Module, held_out: LabelledImages, folder: Path
) -> Watch:
    """Note the accuracy on clean images behind the denoiser as it is trained, at each depth."""
    x, y = held_out.images.float() / 255, held_out.labels

    def told_of(step: int, denoiser: nn.Module) -> None:
        found = {}
        with in_mode("eval", denoiser), torch.no_grad():
            for depth in g.depths:
                model = purified(g, chained(g, denoiser, depth), classifier)
                noise = model.sample_noise(x, Generator().manual_seed(0))
                answers = model(x.to(g.device), noise.to(g.device)).argmax(1).cpu()
                found[f"T* = {depth}"] = (answers == y).double().mean().item()
        note(folder, step, found)

    return told_of


def rounding(
    g: argparse.Namespace, denoiser: Denoiser, classifier: nn.Module, test: LabelledImages
) -> dict[str, dict[str, float]]:
    """What bfloat16 does to the gradient of the loss and to the answers, at each depth."""
    few = test.limited(128)
    x, y = few.images.to(g.device).float() / 255, few.labels.to(g.device)
    found = {}
    for depth in g.depths:
        answers, gradients = [], []
        for precision in ("fp32", "bf16"):
            model = Purified(chained(g, denoiser, depth), classifier, precision=precision)
            noise = model.sample_noise(x, Generator(g.device).manual_seed(0))
            start = x.clone().requires_grad_()
            logits = model(start, noise)
            loss = nn.functional.cross_entropy(logits, y, reduction="sum")
            gradients.append(torch.autograd.grad(loss, start)[0].flatten(1))
            answers.append(logits.argmax(1))
        cosine = nn.functional.cosine_similarity(*gradients).median().item()
        found[f"T* = {depth}"] = {
            "cosine of the gradients, median": cosine,
            "equal answers": (answers[0] == answers[1]).double().mean().item(),
        }
    return found


def corrupted(g: argparse.Namespace, test: LabelledImages, severity: int) -> LabelledImages:
    """All nineteen corruptions of one severity: CIFAR-10-C's files, or made of the test images."""
    if g.cifar10c:
        parts = [cifar10c(g.cifar10c, name, severity).limited(g.limit) for name in CORRUPTIONS]
    else:
        parts = [
            replace(test, images=corrupt(test.images, name, severity, Generator().manual_seed(k)))
            for k, name in enumerate(CORRUPTIONS)
        ]
    return replace(
        test,
        name=f"{test.name}, corrupted {severity}",
        images=torch.cat([p.images for p in parts]),
        labels=torch.cat([p.labels for p in parts]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/purification"))
    parser.add_argument("--train-limit", type=int, help="training images; default: all")
    parser.add_argument("--denoiser-minutes", type=float, default=60.0)
    parser.add_argument("--classifier-minutes", type=float, default=60.0)
    parser.add_argument("--denoiser", type=Path, help="a diffusers folder, instead of training")
    parser.add_argument("--channels", type=int, default=64, help="of the denoiser")
    parser.add_argument("--patch", type=int, default=1, help="of the denoiser")
    parser.add_argument("--wrn", type=int, nargs=2, default=[16, 3], help="depth and width")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--limit", type=int, default=512, help="test images")
    parser.add_argument("--methods", nargs="+", default=["ddim"])
    parser.add_argument("--suites", nargs="+", default=["bpda-eot", "blau-pgd", "blau-eot"])
    parser.add_argument("--four-threats", action="store_true", help="AoA and AwT of blau-eot")
    parser.add_argument("--depth", type=int, default=140)
    parser.add_argument("--calls", type=int, default=15, help="of the denoiser, at most")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--depths", type=int, nargs="*", default=[], help="of the curves")
    parser.add_argument("--no-curves", action="store_true", help="none of Figures 4 and 6")
    parser.add_argument("--held-out", type=int, help="training images on which T* is chosen")
    parser.add_argument("--choose-on", type=int, help="of these, under attack; default: all")
    parser.add_argument("--severities", type=int, nargs="*", default=[], help="of Figure 6")
    parser.add_argument("--cifar10c", type=Path, help="folder of CIFAR-10-C; default: generated")
    parser.add_argument("--checkpoint", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    test = cifar10(given.data, "test", given.limit)
    data = cifar10(given.data, "train", given.train_limit)
    held_out = None
    if given.held_out:
        data, held_out = data.split(given.held_out / len(data))
    how = {"precision": given.precision, "gradient_clip": 1.0, "sample_every": None}

    def small() -> DenoisingTask:
        torch.manual_seed(0)
        noise = {"log_sigma_mean": -1.2, "log_sigma_std": 1.2}
        net = FastDenoiser(32, given.patch, given.channels, (1, 2, 2), **noise)
        policy = AugmentationPolicy(len(data.images), ("flip",))
        return DenoisingTask(net, TrainingImages(data.images, (policy,)))

    def wide() -> ClassificationTask:
        torch.manual_seed(0)
        return ClassificationTask(
            WideResNet(*given.wrn), data.images, data.labels, pad=4, flip=True
        )

    classifier = trained(
        wide,
        how | {"batch_size": 128, "lr": 2e-3, "weight_decay": 0.05},
        given.classifier_minutes,
        given.runs / "classifier",
    ).module
    save_classifier(classifier, given.runs / "classifier" / "model")
    classifier.to(given.device).eval().requires_grad_(False)
    denoiser: Denoiser
    if given.denoiser:
        denoiser = PaperDenoiser.from_diffusers(given.denoiser)
    else:
        many, folder = how | {"batch_size": 64, "lr": 4e-4}, given.runs / "denoiser"
        watch = purified_accuracy(given, classifier, held_out, folder) if held_out else None
        denoiser = trained(small, many, given.denoiser_minutes, folder, watch).module
    denoiser.to(given.device).eval().requires_grad_(False)
    ((_, alone),) = accuracy_curve(
        (0,),
        lambda _: (classifier, cifar10(given.data, "test")),
        protocol=Protocol(batch_size=500),
        execution=Execution(given.runs / "alone"),
    )
    facts = {
        "denoiser": f"{type(denoiser).__name__}, {parameters(denoiser)} weights",
        "classifier alone": f"{100 * alone.value:.2f} % of all clean test images",
    }
    if held_out:
        chosen = choose_depth(
            classifier,
            lambda depth: purified(given, chained(given, denoiser, depth), classifier),
            given.depths,
            held_out.limited(given.choose_on),
            class_suite("blau-eot", steps=given.steps, draws=given.draws),
            protocol=Protocol(batch_size=given.batch),
            execution=Execution(given.runs / "depth"),
        )
        given.depth, facts["T*"] = chosen.depth, chosen.statement
    rounded = rounding(given, denoiser, classifier, test)
    more = curves(given, denoiser, classifier, test)
    for name in given.methods:
        bare = name == "none"  # Figure 5 holds its perturbations against the purified one's
        model = classifier
        if not bare:
            model = purified(given, purifiers(given, denoiser)[name](), classifier)
        plan = [class_suite("blau-pgd", steps=given.steps)] if bare else suites(given)
        with told() as progress:
            found = evaluate_classifier(
                model,
                test,
                plan,
                method=METHODS.get(name),
                protocol=Protocol(batch_size=given.batch),
                execution=Execution(given.runs / name / "state", progress=progress),
                record=Record(
                    title=f"{name} on {test.name}",
                    provenance=facts,
                ),
            )
        found = replace(found, curves=(*found.curves, *more))
        write_report(found, given.runs / name)
        report = found.to_json()
        keys = ("rows", "averages", "curves", "provenance", "notes", "known")
        kept = {k: report[k] for k in keys} | {
            "training": curve(given.runs / "denoiser"),
            "bfloat16 beside float32": rounded,
        }
        keep("purification", f"{name}, T* = {given.depth}, {len(test)} images", kept)
        for row in found.rows:
            columns = [row.mean, row.single, row.worst, row.fixed]
            shown = " ".join(f"{100 * c.value:6.1f}" if c else "     -" for c in columns)
            print(f"{name:<10} {row.attack:<24} {shown}")


if __name__ == "__main__":
    main()
