import json
import sys
from pathlib import Path

import board_entries
import figures

from hardsight.attacks import parse_radius
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


def test_the_committed_board_is_made_of_the_results(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["it", "--output", str(tmp_path)])
    board_entries.main()
    board = entries(Path(figures.__file__).parents[1] / "board")
    assert {one.id: one for one in entries(tmp_path).values()}.items() <= {
        one.id: one for one in board.values()
    }.items()
