import json
import re
import sys
from pathlib import Path

import board_entries
import figures
import own_records

from hardsight.attacks import parse_radius
from hardsight.audit import Audit
from hardsight.benchmark import entries
from hardsight.benchmark.board import lines
from hardsight.evaluation.wording import radius


def test_measured_baselines_are_lines_of_the_board(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["it", "--output", str(tmp_path)])
    board_entries.main()
    found = list(entries(tmp_path).values())
    kept = {
        key: stages
        for key, stages in board_entries.measured().items()
        if any(row["norm"] for stage in stages.values() for row in (stage or {}).get("rows", ()))
    }
    assert {f"{e.method}, {e.data.category}, seed {e.seed}" for e in found} == kept.keys()
    for line in lines(found):
        entry = line.entry
        stages = kept[f"{entry.method}, {entry.data.category}, seed {entry.seed}"]
        assert line.clean.value == stages["clean"]["rows"][0]["mean"][0]
        at = parse_radius(entry.threat.eps)
        attacked = [
            row["mean"][0]
            for name, stage in stages.items()
            if name.startswith(("pgd", "attacks")) and stage
            for row in stage["rows"]
            if radius(row["norm"], row["eps"]) == radius(entry.threat.norm, at)
            and (row["metric"], row["target"]) == ("AUROC", "image")
        ]
        assert not attacked or line.robust.value <= min(attacked)
        assert entry.data.test_images == stages["clean"].get("test images", entry.data.test_images)
    assert json.dumps([entry.result() for entry in found])


def test_an_entry_of_anomalibs_names_its_model_version_and_file_of_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["it", "--output", str(tmp_path)])
    board_entries.main()
    stages = figures.kept(board_entries.ANOMALIB)
    foreign = [one for one in entries(tmp_path).values() if one.method.startswith("anomalib ")]
    assert foreign
    for entry in foreign:
        fit = stages[f"{entry.method}, {entry.data.category}, seed {entry.seed}"]["fit"]
        assert entry.notes == (fit["model"],)
        assert (entry.preset, entry.settings) == ("", fit["settings"])
        assert entry.checkpoints == fit["checkpoints"]
        assert {row.attack for row in entry.attacked} <= {*entry.threat.suites}
        assert {row.norm for row in entry.attacked} == {entry.threat.norm}


def own_entries():
    """The entries of own detectors, by their ids."""
    made = board_entries.entries(own_records.own(figures.kept("baselines")))
    return {one.id: one for one in made}


def attacked_rows():
    """The attacked rows of the results that OWN names: weights, attacked images, row."""
    for one in own_records.OWN:
        for key, kept in figures.kept(one.result).items():
            if re.fullmatch(one.keys, key):
                parts = [part for part in (kept, *kept.values()) if isinstance(part, dict)]
                for part in (part for part in parts if "rows" in part):
                    made = part["provenance"]
                    images = sum(own_records.counted(made["data"]))
                    yield from ((made["weights"], images, r) for r in part["rows"] if r["norm"])


def test_every_attack_of_own_detectors_is_in_an_entry_with_its_noise_columns():
    found = {(one.weights, parse_radius(one.threat.eps)): one for one in own_entries().values()}
    seen = set()
    for weights, images, kept in attacked_rows():
        entry = found[weights, kept["eps"]]
        seen.add(entry.id)
        assert entry.how.images == images
        (row,) = [
            row
            for row in entry.attacked
            if (row.attack, row.target, row.metric)
            == (kept["attack"], kept["target"], kept["metric"])
        ]
        for column in ("mean", "single", "worst", "fixed"):
            value, estimate = kept[column], getattr(row, column)
            assert (list(estimate) if estimate else None) == value
        if row.attack == "eot-pgd":
            assert row.budget.attacks.endswith(", ".join(entry.how.effort["objectives"]))
    assert seen == own_entries().keys()


def test_own_detectors_that_draw_noise_are_ranked_by_it():
    noise = {line.entry.method: line.noise for line in lines(own_entries().values())}
    random = {one.method for one in own_entries().values() if one.random}
    assert random == {name for name in noise if name.startswith("advrad")}
    assert {name for name, column in noise.items() if column == "mean"} == noise.keys() - random


def test_the_default_preset_has_all_categories_that_are_compared():
    of = {one.data.category: one for one in own_entries().values() if one.method == "advrad"}
    assert of.keys() == {"bottle", "toothbrush", "screw", "grid"}
    for entry in of.values():
        assert (entry.preset, entry.seed, entry.threat.name) == ("advrad", 0, "Linf 2/255")
        assert "hash" not in entry.data.note  # the split is that of all test images


def test_an_audit_is_of_the_same_weights_and_radius():
    audits = [Audit.read(path) for path in figures.RESULTS.glob("audit_*.json")]
    known = {(one.weights, one.norm, one.eps): one.verdict for one in audits}
    found = own_entries().values()
    for entry in found:
        at = (entry.weights, entry.threat.norm, parse_radius(entry.threat.eps))
        assert (entry.audit.verdict if entry.audit else None) == known.get(at)
    assert [one.method for one in found if one.audit].count("advrad") == 1


def test_a_published_figure_of_an_own_detector_has_its_place():
    for entry in own_entries().values():
        for row in (*entry.clean, *entry.attacked):
            assert (row.published is None) == (row.place == "")


def test_the_committed_board_is_made_of_the_results(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["it", "--output", str(tmp_path)])
    board_entries.main()
    board = entries(Path(figures.__file__).parents[1] / "board")
    assert {one.id: one for one in entries(tmp_path).values()}.items() <= {
        one.id: one for one in board.values()
    }.items()
