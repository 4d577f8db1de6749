import json
import sys

import baseline_entries
import figures

from hardsight.benchmark import entries
from hardsight.benchmark.board import lines


def test_measured_baselines_are_lines_of_the_board(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["it", "--output", str(tmp_path)])
    baseline_entries.main()
    found = list(entries(tmp_path).values())
    kept = figures.kept("baselines")
    assert {f"{e.method}, {e.data.category}, seed {e.seed}" for e in found} == kept.keys()
    for line in lines(found):
        entry = line.entry
        stages = kept[f"{entry.method}, {entry.data.category}, seed {entry.seed}"]
        assert line.clean.value == stages["clean"]["rows"][0]["mean"][0]
        attacked = [
            row["mean"][0]
            for name, stage in stages.items()
            if name.startswith("pgd") and stage
            for row in stage["rows"]
            if row["norm"] == entry.threat.norm and row["metric"] == "AUROC"
        ]
        assert not attacked or line.robust.value <= min(attacked)
        assert entry.data.test_images == stages["clean"]["test images"]
    assert json.dumps([entry.result() for entry in found])
