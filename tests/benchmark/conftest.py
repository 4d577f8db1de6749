from dataclasses import dataclass, field, replace

import pytest
from gaussian_method import METHOD

from hardsight.audit import Budget
from hardsight.audit.budgets import BUDGETS
from hardsight.benchmark import Places, Plan, Workers, carry_out
from hardsight.config import CONFIGS
from hardsight.config.detection import detector_config
from hardsight.detectors.methods import METHODS


class Spade(METHOD.detector):
    """A detector with published figures."""

    paper = "SPADE"


TINY = Budget("tiny", ("score",), (1,), 1, (1,), (1,), (1,), queries=3, gradients=4)


@pytest.fixture(scope="module")
def gaussian(tmp_path_factory):
    """The path of a preset of a method that is fitted in a moment."""
    method = replace(METHOD, detector=Spade)
    path = tmp_path_factory.mktemp("preset") / "gaussian.yaml"
    path.write_text("{method: gaussian, detector: {image_size: 16}}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, METHOD.name, method)
        patch.setitem(CONFIGS, METHOD.name, detector_config(method))
        patch.setitem(BUDGETS, TINY.name, TINY)
        yield path


@pytest.fixture(scope="module")
def plan(gaussian):
    return Plan.model_validate(
        {
            "title": "tiny",
            "methods": [str(gaussian)],
            "data": [{"name": "mvtec_ad", "folder": ".", "categories": ["parts"], "note": "tiny"}],
            "threats": [{"suites": ["pgd", "eot-pgd"]}, {"sigma": 0.1, "copies": 30}],
            "how": {
                "images": 6,
                "effort": {"steps": 2, "objectives": ["score"]},
                "batch_size": 2,
                "pictures": 2,
                "audit": "tiny",
            },
        }
    )


@dataclass
class Events:
    """Takes notice of everything."""

    seen: list = field(default_factory=list)

    def __call__(self, job, stage, done, total, info=""):
        self.seen.append((job, stage, done, total, info))


@pytest.fixture(scope="module")
def measured(plan, parts, tmp_path_factory):
    """The plan carried out: where, what became of it, and what was told."""
    events, places = Events(), Places(tmp_path_factory.mktemp("measured"), parts.parent)
    return places, carry_out(plan, places, Workers(), events), events.seen
