import json

import pytest

from hardsight.benchmark import Entry, entries, schema
from hardsight.benchmark.entry import SCHEMA
from hardsight.evaluation import Row
from hardsight.evaluation.results import Estimate

MINIMAL = {
    "method": "mine",
    "preset": "mine.yaml",
    "paper": None,
    "random": False,
    "backbone": None,
    "weights": "0123",
    "data": {
        "name": "mvtec_ad",
        "category": "bottle",
        "split_sha256": "ab",
        "test_images": 83,
        "anomalous": 63,
    },
    "seed": 0,
    "threat": {"norm": "L2", "eps": "0.2"},
    "how": {},
    "clean": [Row("clean", "image", "AUROC", Estimate(0.9, 0.8, 1))],
    "made": {"hardsight": "0.1.0", "torch": "2.15.0", "hardware": "x86_64 CPU (avx2), 1 threads"},
}


def test_the_committed_schema_is_that_of_an_entry():
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "write it anew, see docs/submit.md"


def test_what_is_written_is_what_is_read(tmp_path):
    row = Row("pgd", "image", "AUROC", Estimate(0.25, 0.1, 0.4), norm="L2", eps=0.2)
    entry = Entry.model_validate(MINIMAL | {"attacked": [row]})
    again = Entry.read(entry.write(tmp_path / "one.entry.json"))
    assert again == entry
    assert again.attacked[0].mean.low == 0.1
    assert entry.id == "mine, mvtec_ad, bottle, seed 0, L2 0.2"
    assert entries(tmp_path) == {tmp_path / "one.entry.json": entry}


def test_times_are_no_part_of_the_result():
    rows = [Row("pgd", "image", "AUROC", Estimate(0.2, 0, 1), seconds_per_image=s) for s in (1, 2)]
    first, second = (Entry.model_validate(MINIMAL | {"attacked": [row]}) for row in rows)
    assert first != second
    assert first.result() == second.result()
    assert json.dumps(first.result())


def test_a_file_that_is_no_entry_says_what_is_wrong(tmp_path):
    path = tmp_path / "bad.entry.json"
    values = Entry.model_validate(MINIMAL).model_dump(mode="json")
    path.write_text(json.dumps(values | {"seeds": 1}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"seeds: .*docs/submit\.md"):
        Entry.read(path)
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(ValueError, match=r"bad\.entry\.json is not an entry: .*docs/submit\.md"):
        Entry.read(path)
    with pytest.raises(ValueError, match="hardsight benchmark PLAN"):
        entries(tmp_path / "nothing")
