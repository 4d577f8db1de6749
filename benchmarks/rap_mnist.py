"""RAP's adapter on MNIST beside adversarial training, at equal cost.

    python benchmarks/rap_mnist.py --data ../shared/data --passes 4e6 --models at rap

A CNN is trained on clean images first. Then each of these gets the same number of passes, forward
and backward, an image of a pass counted once:

- ``at``: PGD training of a copy of the CNN (Madry et al., 2018);
- ``rap``: RAP's adapter in front of the CNN, frozen (Algorithm 3); untrained it is the identity;
- ``rap-whole``: the same, but the adapter predicts the image, not its difference: no identity;
- ``joint``: adapter and CNN trained together by PGD training;
- ``rap-at``: RAP's adapter in front of ``at``, frozen (the paper's RAP + AT);
- ``moved``: the adapter of ``rap`` in front of ``at``, not trained for it.

They are attacked under the threat that they are trained for, or under that of ``--under``.
Robust accuracy on the way is written to curve.jsonl; a second call goes on where the first was.
Figures go to benchmarks/results/rap_mnist.json, pages to the runs folder.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from figures import keep
from fitting import Watch, curve, note, parameters, trained_for
from torch import nn

from hardsight.attacks import PGD, CrossEntropyObjective, build_ball, frozen
from hardsight.classifiers import MNISTCNN, ClassificationTask, save_classifier
from hardsight.cli.progress import told
from hardsight.core.modules import in_mode
from hardsight.data import mnist
from hardsight.evaluation import Execution, Protocol, Record, class_suite, evaluate_classifier
from hardsight.purifiers import RAP, Adapter, Purified, RAPSettings, RAPTask, save_adapter
from hardsight.reports import write_report
from hardsight.training import Task

BEHIND = {"rap": "cnn", "rap-whole": "cnn", "rap-at": "at"}
"""The classifier behind an adapter that is trained alone."""
PUBLISHED = {"rap": "rap-mnist", "at": "madry-mnist"}


def suites(given: argparse.Namespace) -> list:
    norm, eps = given.under
    own = {"steps": given.pgd_steps, "restarts": 1, "queries": given.queries}
    named = {
        "fgsm": lambda: class_suite("fgsm", norm, eps),
        "bim": lambda: class_suite("bim", norm, eps, steps=20),
        "pgd": lambda: class_suite(
            "pgd", norm, eps, steps=given.pgd_steps, restarts=given.restarts
        ),
        "autoattack": lambda: class_suite("autoattack", norm, eps, "full", **own),
        "deepfool": lambda: class_suite("deepfool", norm, eps),
        "gaussian": lambda: class_suite("gaussian", norm, eps),
    }
    return [named[name]() for name in given.suites]


class Models:
    """The models, each trained when it is first asked for."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.data = given, mnist(given.data, "train")
        self.test = mnist(given.data, "test").limited(given.limit)
        self.ball = build_ball(given.norm, given.eps)
        self.made: dict[str, nn.Module] = {}

    def __getitem__(self, name: str) -> nn.Module:
        if name not in self.made:
            make = {"cnn": self._cnn, "at": self._at, "joint": self._joint, "moved": self._moved}
            found = make[name]() if name in make else self._rap(name)
            self.made[name] = found.eval().requires_grad_(False)
        return self.made[name]

    def folder(self, name: str) -> Path:
        shared = name == "cnn"  # the same under every threat
        return self.given.runs / ("" if shared else self.given.norm) / name

    def how(self, passes_a_step: float) -> dict[str, Any]:
        given = self.given
        steps = max(2, round(given.passes / (passes_a_step * given.batch)))
        return {
            "steps": steps,
            "batch_size": given.batch,
            "lr": given.lr,
            "precision": given.precision,
            "ema_decay": 0.99,
            "gradient_clip": 1.0,
            "sample_every": None,
        }

    def _cnn(self) -> nn.Module:
        task = ClassificationTask(_fresh(), self.data.images, self.data.labels)
        how = self.how(1) | {"steps": self.given.clean_steps, "batch_size": 128}
        found = trained_for(task, how, self.folder("cnn")).module
        save_classifier(found, self.folder("cnn") / "model")
        return found

    @property
    def attack(self) -> PGD:
        return PGD(self.ball, steps=self.given.at_steps)

    def _at(self) -> nn.Module:
        model = _fresh()
        model.load_state_dict(self["cnn"].state_dict())
        found = self._trained("at", self._classification(model), model)
        save_classifier(found, self.folder("at") / "model")
        return found

    def _joint(self) -> nn.Module:
        behind = _fresh()
        behind.load_state_dict(self["cnn"].state_dict())
        model = Purified(self._adapter(residual=True), behind)
        return self._trained("joint", self._classification(model), model)

    def _moved(self) -> nn.Module:
        return Purified(self["rap"].purifier, self["at"])

    def _rap(self, name: str) -> nn.Module:
        adapter, behind = self._adapter(residual=name != "rap-whole"), self[BEHIND[name]]
        task = RAPTask(adapter, behind, self.data.images, self.data.labels, self.rap)
        model = Purified(self._trained(name, task, Purified(adapter, behind)), behind)
        save_adapter(model.purifier, self.folder(name) / "model")
        return model

    @property
    def rap(self) -> RAPSettings:
        given = self.given
        own = {"step_size": given.step_size, "start": given.start}
        return RAPSettings(norm=given.norm, eps=given.eps, **own)

    def _adapter(self, residual: bool) -> RAP:
        torch.manual_seed(1)
        given = self.given
        shape = {"patch": 2, "residual": residual, "length": given.length}
        return RAP(Adapter(28, 1, given.channels, (1, 2), **shape), clamp=self.rap.clamp)

    def _classification(self, model: nn.Module) -> Task:
        return ClassificationTask(model, self.data.images, self.data.labels, self.attack)

    def _trained(self, name: str, task: Task, model: nn.Module) -> nn.Module:
        steps = (1 + self.given.length) / 2 if name in BEHIND else self.attack.steps
        watch = self.watch(self.folder(name), model)
        return trained_for(task, self.how(1 + steps), self.folder(name), watch, times=10).module

    def watch(self, folder: Path, model: nn.Module) -> Watch:
        """Write the accuracy of ``model`` under PGD beside the step, whatever part is trained."""
        shown = self.test.limited(self.given.watched)
        x, y = shown.images.float() / 255, shown.labels
        attack = PGD(self.ball, steps=20)

        def told_of(step: int, _: nn.Module) -> None:
            with frozen(model), in_mode("eval", model):
                objective = CrossEntropyObjective(model, y)
                worst = attack.last(objective, x, torch.Generator().manual_seed(0))
                with torch.no_grad():
                    hit = [(model(v).argmax(1) == y).float().mean().item() for v in (x, worst)]
            note(folder, step, {"clean": hit[0], "PGD, 20 steps": hit[1]})

        return told_of


def _fresh() -> MNISTCNN:
    torch.manual_seed(0)
    return MNISTCNN()


def measured(name: str, models: Models) -> None:
    """Attack a model, and keep its figures."""
    given, model, folder = models.given, models[name], models.folder(name)
    norm, eps = given.under
    transferred = "" if given.under == (given.norm, given.eps) else f", under {norm} {eps:g}"
    if name == "cnn" or transferred:
        folder = folder / norm
    with told() as progress:
        found = evaluate_classifier(
            model,
            models.test,
            suites(given),
            trained=None if name == "cnn" else models.ball,
            method=PUBLISHED.get(name),
            protocol=Protocol(batch_size=given.eval_batch),
            execution=Execution(folder / "state", progress=progress),
            record=Record(title=f"{name} on MNIST"),
        )
    write_report(found, folder)
    report = found.to_json()
    keep(
        "rap_mnist",
        f"{name}, {given.norm} {given.eps:g}, {given.passes:g} passes, {len(models.test)} images"
        + transferred,
        {
            "rows": report["rows"],
            "curve": curve(models.folder(name)),
            "provenance": report["provenance"],
            "notes": report["notes"],
            "parameters": parameters(model),
            "RAP": models.rap.describe() | {"length": given.length} if name in BEHIND else None,
        },
    )
    for row in found.rows:
        print(f"{name:<10} {row.attack:<20} {100 * row.mean.value:5.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/rap-mnist"))
    parser.add_argument("--models", nargs="+", default=["cnn", "at", "rap"])
    parser.add_argument("--passes", type=float, default=2e6, help="of one image, in training")
    parser.add_argument("--clean-steps", type=int, default=1000, help="of the CNN, plain")
    parser.add_argument("--norm", choices=["Linf", "L2"], default="Linf")
    parser.add_argument("--eps", type=float, default=0.3)
    parser.add_argument(
        "--under", nargs=2, metavar=("NORM", "EPS"), help="attack under this; as trained"
    )
    parser.add_argument("--limit", type=int, default=1000, help="test images")
    parser.add_argument("--watched", type=int, default=250, help="test images of the curve")
    parser.add_argument("--length", type=int, default=5, help="RAP's T")
    parser.add_argument("--step-size", type=float, default=None, help="RAP's lambda; eps / 4")
    parser.add_argument("--start", type=float, default=None, help="RAP's c; eps")
    parser.add_argument("--channels", type=int, default=32, help="of the adapter's first level")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--at-steps", type=int, default=5, help="of PGD in adversarial training")
    parser.add_argument("--pgd-steps", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--suites", nargs="*", default=["fgsm", "bim", "pgd", "autoattack"])
    parser.add_argument("--eval-batch", type=int, default=250)
    given = parser.parse_args()
    norm, eps = given.under or (given.norm, given.eps)
    given.under = (norm, float(eps))
    models = Models(given)
    for name in given.models:
        if given.suites:
            measured(name, models)
        else:
            models[name]  # trained only


if __name__ == "__main__":
    main()
