import json
import shutil
from contextlib import suppress
from dataclasses import replace

import numpy as np
import torch

from hardsight.attacks import build_suite
from hardsight.audit.budgets import BUDGETS
from hardsight.benchmark import (
    Measurement,
    Places,
    Plan,
    Workers,
    carry_out,
    entries,
    estimate,
)
from hardsight.data import Manifest, load
from hardsight.evaluation import Protocol, evaluate
from hardsight.metrics import auroc
from holding import held_by_another


class Killed(BaseException):
    """Stands for a signal: nothing catches it."""


def killer(at):
    """Kill at one of the events."""
    left = iter(range(at - 1, -1, -1))

    def told(*event):
        if next(left, 1) == 0:
            raise Killed

    return told


def results(folder):
    """Entries by their place, without times."""
    found = entries(folder)
    return {path.relative_to(folder).as_posix(): e.result() for path, e in found.items()}


def test_an_entry_is_what_evaluate_finds(plan, measured):
    places, outcome, events = measured
    assert (len(outcome.finished), outcome.failed) == (1, {})
    assert events[-1][1] == "done"
    by_name = {path.name: entry for path, entry in entries(places.results).items()}
    entry = by_name["Linf_2_255.entry.json"]
    job = next(plan.jobs())
    run = Measurement(job, plan, places).run
    detector, data = run.tested()
    scores = detector.predict(data.test.images()).pred_score.double().numpy()
    assert entry.clean[0].mean.value == auroc(scores, data.test.labels)
    part = data.limited(6, balanced=True)
    suite = build_suite("pgd", "Linf", "2/255", steps=2, objectives=("score",))
    again = evaluate(detector, part, [suite], protocol=Protocol(batch_size=2, gallery=0))
    assert {row.attack for row in entry.attacked} == {"clean", "pgd"}  # there is no noise
    (row,) = [r for r in entry.attacked if r.attack == "pgd" and r.metric == "AUROC"]
    assert row.mean == next(r for r in again.rows if r.attack == "pgd").mean
    np.testing.assert_allclose(entry.scores["pgd"], again.outputs["pgd"].mean(1))
    assert tuple(data.test.names[i] for i in entry.touched["attacked"]) == part.test.names
    assert entry.touched["audited"] == entry.touched["clean"]  # there are no more than eight
    assert entry.audit.verdict in ("pass", "warn", "fail")
    assert entry.audit.budget.startswith("tiny")
    assert entry.data.split_sha256 == Manifest.of(load(data.root, size=16)).sha256
    assert entry.checkpoints.keys() == {"model.safetensors"}
    assert (entry.paper, entry.random, entry.backbone) == ("SPADE", False, None)
    (pictures,) = places.results.rglob("*.pictures.json")
    assert len(json.loads(pictures.read_text())["images"]) == 2
    report = pictures.with_name("Linf_2_255.html").read_text()
    left_alone = f"Of all {len(scores)} test images, left alone, the AUROC is "
    assert f"{left_alone}{auroc(scores, data.test.labels):.3f}, which stands on the board" in report
    assert "the figures here are of 6 of them" in report


def test_a_certificate_is_an_entry(measured):
    places, *_ = measured
    found = {e.threat.name: e for e in entries(places.results).values()}
    certified = found["certified, sigma 0.1"].certified
    assert [row.radius for row in certified] == [0.0, 0.05, 0.1, 0.2]
    values = [row.auroc for row in certified]
    assert values == sorted(values, reverse=True)


def test_killed_and_resumed_it_writes_the_same(plan, measured, tmp_path):
    whole, _, events = measured
    places = replace(whole, results=tmp_path)
    for at in np.random.default_rng(0).integers(1, len(events), 4):
        with suppress(Killed):
            carry_out(plan, places, Workers(), killer(int(at)))
    carry_out(plan, places, Workers(), killer(-1))
    assert results(tmp_path) == results(whole.results)


def test_what_is_there_is_not_made_again(plan, measured):
    places, *_ = measured
    before = {p: p.stat().st_mtime_ns for p in entries(places.results)}
    assert [job.entries for job in estimate(plan, places, torch.device("cpu"))] == [0]
    carry_out(plan, places, Workers(), killer(-1))
    assert before == {p: p.stat().st_mtime_ns for p in entries(places.results)}


def test_another_preset_under_the_same_name_is_not_what_is_there(plan, measured, tmp_path):
    places, *_ = measured
    other = tmp_path / "gaussian.yaml"
    other.write_text("{method: gaussian, detector: {image_size: 16, floor: 0.1}}")
    (method,) = plan.methods
    changed = plan.model_copy(
        update={"methods": (method.model_copy(update={"preset": str(other)}),)}
    )
    outcome = carry_out(changed, places, Workers(), killer(-1))
    ((_, why),) = outcome.failed.items()
    assert "detector.floor is 0.02 there, not 0.1" in why


def test_entries_of_images_that_were_made_otherwise_are_not_what_is_there(gaussian, tmp_path):
    def outcome(size):
        made = {"size": size, "train": 4, "validation": 4, "test_good": 2, "defects_per_kind": 1}
        plan = Plan.model_validate(
            {
                "title": "textures",
                "methods": [str(gaussian)],
                "data": [{"name": "textures", "categories": ["brick"], "make": made}],
                "threats": [],
            }
        )
        return carry_out(plan, Places(tmp_path, tmp_path), Workers(), killer(-1))

    assert outcome(48).failed == {}
    assert outcome(48).failed == {}
    ((_, why),) = outcome(60).failed.items()
    assert "the data are not those recorded" in why


def test_an_audit_of_another_budget_is_not_taken(plan, measured, tmp_path, monkeypatch):
    places = replace(measured[0], results=tmp_path)
    shutil.copytree(measured[0].results, tmp_path, dirs_exist_ok=True)
    monkeypatch.setitem(BUDGETS, "other", replace(BUDGETS["tiny"], name="other"))
    how = plan.how.model_copy(update={"audit": "other"})
    carry_out(plan.model_copy(update={"how": how}), places, Workers(), killer(-1))
    made = {e.audit.budget.partition(":")[0] for e in entries(tmp_path).values()}
    assert made == {"other"}


def test_suites_that_average_noise_take_time_of_what_has_noise_alone(tmp_path):
    (tmp_path / "bottle").mkdir()

    def seconds(*suites):
        plan = Plan.model_validate(
            {
                "title": "two",
                "methods": ["patchcore", "hardsight", "advrad"],
                "data": [{"name": "mvtec_ad", "categories": ["bottle"]}],
                "threats": [{"suites": suites}],
            }
        )
        made = estimate(plan, Places(tmp_path / "out", tmp_path), torch.device("cpu"))
        return [one.seconds for one in made]

    alone, averaging = seconds("pgd"), seconds("pgd", "eot-pgd")
    assert averaging[:2] == alone[:2]  # the noise of hardsight is fixed
    assert averaging[2] > 2 * alone[2]


def test_a_job_without_images_stops_no_other(plan, measured):
    data = (*plan.data, plan.data[0].model_copy(update={"categories": ("bottle",)}))
    larger = plan.model_copy(update={"data": data})
    outcome = carry_out(larger, measured[0], Workers(), killer(-1))
    assert [job.category for job in outcome.finished] == ["parts"]
    ((name, why),) = outcome.failed.items()
    assert "bottle" in name
    assert "mvtec.com" in why


def test_a_job_that_another_process_carries_out_is_not_carried_out_beside_it(plan, measured):
    places, *_ = measured
    with held_by_another(next(plan.jobs()).folder(places)) as other:
        outcome = carry_out(plan, places, Workers(), killer(-1))
    ((_, why),) = outcome.failed.items()
    assert f"is in use: process {other.pid} writes there" in why
