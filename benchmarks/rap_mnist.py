"""RAP's one-step adapter on MNIST, against plain adversarial training for the same wall time.

    .venv/bin/python benchmarks/rap_mnist.py --data ../shared/data --minutes 8 --limit 1000

A CNN is trained on clean images. RAP's adapter is trained in front of it, frozen; a copy of it is
trained on PGD's images for as long. All three are attacked at L-inf 0.3. A second call goes on
where the first was; figures go to benchmarks/results/rap_mnist.json, pages to the runs folder.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from figures import keep
from fitting import parameters, trained
from torch import nn

from hardsight.attacks import PGD, Linf
from hardsight.classifiers import MNISTCNN, ClassificationTask, save_classifier
from hardsight.cli.progress import told
from hardsight.data import mnist
from hardsight.evaluation import Execution, Protocol, Record, class_suite, evaluate_classifier
from hardsight.purifiers import RAP, Adapter, Purified, RAPSettings, RAPTask, save_adapter
from hardsight.reports import write_report
from hardsight.training import Task


def suites(given: argparse.Namespace) -> list:
    eps = given.eps
    whole = {"steps": given.pgd_steps, "restarts": given.restarts}
    own = {"steps": given.pgd_steps, "restarts": 1, "queries": given.queries}
    named = {
        "fgsm": lambda: class_suite("fgsm", "Linf", eps),
        "bim": lambda: class_suite("bim", "Linf", eps, steps=20),
        "pgd": lambda: class_suite("pgd", "Linf", eps, **whole),
        "autoattack": lambda: class_suite("autoattack", "Linf", eps, "full", **own),
        "deepfool": lambda: class_suite("deepfool", "Linf", eps),
        "gaussian": lambda: class_suite("gaussian", "L2", given.l2),
        "bim-l2": lambda: class_suite("bim", "L2", given.l2, steps=20),
        "deepfool-l2": lambda: class_suite("deepfool", "L2", given.l2),
    }
    return [named[name]() for name in given.suites]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/rap-mnist"))
    parser.add_argument("--clean-minutes", type=float, default=2.0)
    parser.add_argument("--minutes", type=float, default=8.0, help="of RAP, and of PGD training")
    parser.add_argument("--limit", type=int, default=1000, help="test images")
    parser.add_argument("--eps", type=float, default=0.3)
    parser.add_argument("--l2", type=float, default=1.5)
    parser.add_argument("--length", type=int, default=20, help="RAP's T")
    parser.add_argument("--step-size", type=float, default=0.02, help="RAP's lambda, assumed")
    parser.add_argument("--start", type=float, default=0.05, help="RAP's c, assumed")
    parser.add_argument("--channels", type=int, default=32, help="of the adapter's first level")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--precision", default="32-true", help="or bf16-mixed, faster with AMX")
    parser.add_argument("--at-steps", type=int, default=10, help="of PGD in adversarial training")
    parser.add_argument("--pgd-steps", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--suites", nargs="+", default=["fgsm", "bim", "pgd", "autoattack"])
    parser.add_argument("--models", nargs="+", default=["cnn", "rap", "at", "rap-at"])
    parser.add_argument("--eval-batch", type=int, default=250)
    given = parser.parse_args()
    data, test = mnist(given.data, "train"), mnist(given.data, "test").limited(given.limit)
    how = {
        "batch_size": given.batch,
        "lr": given.lr,
        "precision": given.precision,
        "ema_decay": 0.99,
        "gradient_clip": 1.0,
        "sample_every": None,
    }
    settings = RAPSettings(eps=given.eps, step_size=given.step_size, start=given.start)

    def fresh() -> MNISTCNN:
        torch.manual_seed(0)
        return MNISTCNN()

    def classification(model: nn.Module, attack: PGD | None) -> Task:
        return ClassificationTask(model, data.images, data.labels, attack)

    def copied(model: nn.Module) -> MNISTCNN:
        twin = fresh()
        twin.load_state_dict(model.state_dict())
        return twin

    def adapter(behind: nn.Module) -> Callable[[], Task]:
        def make() -> Task:
            torch.manual_seed(1)
            net = Adapter(28, 1, given.channels, (1, 2), patch=2, length=given.length)
            rap = RAP(net, clamp=settings.clamp)
            return RAPTask(rap, behind, data.images, data.labels, settings)

        return make

    models: dict[str, nn.Module] = {}
    methods = {"cnn": None, "rap": "rap-mnist", "at": "madry-mnist", "rap-at": None}
    root = given.runs
    cnn = trained(
        lambda: classification(fresh(), None),
        how | {"batch_size": 128},
        given.clean_minutes,
        root / "cnn",
    ).module
    save_classifier(cnn, root / "cnn" / "model")
    models["cnn"] = cnn
    if "rap" in given.models:
        rap = trained(adapter(cnn), how, given.minutes, root / "rap").module
        save_adapter(rap, root / "rap" / "model")
        models["rap"] = Purified(rap, cnn)
    if {"at", "rap-at"} & set(given.models):
        attack = PGD(Linf(given.eps), steps=given.at_steps)
        make = lambda: classification(copied(cnn), attack)  # noqa: E731
        models["at"] = trained(make, how, given.minutes, root / "at").module
        save_classifier(models["at"], root / "at" / "model")
    if {"rap", "rap-at"} <= set(given.models):  # the foundation adapter in front of another
        models["rap-at"] = Purified(rap, models["at"])
    for name in given.models:
        model = models[name].requires_grad_(False)
        with told() as progress:
            found = evaluate_classifier(
                model,
                test,
                suites(given),
                trained=None if name == "cnn" else Linf(given.eps),
                method=methods[name],
                protocol=Protocol(batch_size=given.eval_batch),
                execution=Execution(root / name / "state", progress=progress),
                record=Record(title=f"{name} on MNIST"),
            )
        write_report(found, root / name)
        report = found.to_json()
        keep(
            "rap_mnist",
            f"{name}, {given.minutes:g} minutes, {len(test)} images",
            {
                "rows": report["rows"],
                "provenance": report["provenance"],
                "notes": report["notes"],
                "parameters": parameters(model),
                "RAP": settings.describe() | {"length": given.length} if "rap" in name else None,
            },
        )
        for row in found.rows:
            print(f"{name:<8} {row.attack:<20} {100 * row.mean.value:5.1f}")


if __name__ == "__main__":
    main()
