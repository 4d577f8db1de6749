"""``hardsight drift``, and ``watch --drift``: same light, another light."""

import json

import numpy as np
import pytest
from PIL import Image
from typed import call, words

from hardsight.cli.beside import DECIDED
from hardsight.cli.drift import scores_of
from hardsight.cli.table import table

STATISTICS = {"brightness", "contrast", "sharpness"}


def write(folder, low, high, count=24, seed=9):
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for i in range(count):
        pixels = rng.integers(low, high, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:03}.png")
    return folder


@pytest.fixture(scope="module")
def streams(tmp_path_factory):
    top = tmp_path_factory.mktemp("streams")
    return write(top / "alike", 90, 130), write(top / "brighter", 110, 150)


def test_another_light_raises_an_alarm_and_the_same_does_not(run, streams, tmp_path):
    alike, brighter = streams
    calm = call("drift", run, alike, "-o", tmp_path / "calm", "--once-in", 100)
    assert calm.exit_code == 0, words(calm)
    found = json.loads((tmp_path / "calm/drift.json").read_text())
    assert found["alarms"] == []
    assert found["parts"] == 24
    assert found["streams"].keys() == {"score"} | STATISTICS
    alarmed = call("drift", run, brighter, "-o", tmp_path / "alarmed", "--once-in", 100)
    assert alarmed.exit_code == 2, words(alarmed)
    found = json.loads((tmp_path / "alarmed/drift.json").read_text())
    assert {"brightness"} <= {alarm["stream"] for alarm in found["alarms"]}
    assert "at most one false alarm in 100 parts" in words(alarmed)
    with Image.open(tmp_path / "alarmed/drift.png") as chart:
        chart.load()
        assert chart.width > 300


def test_what_cannot_be_read_is_named_and_no_drift_is_told_of_nothing(run, tmp_path):
    parts = write(tmp_path / "parts", 90, 130, count=6)
    (parts / "broken.png").write_bytes(b"")
    done = call("drift", run, parts, "-o", tmp_path / "some")
    assert done.exit_code == 1, words(done)
    assert "1 of 7 files could not be read" in words(done)
    assert "broken.png" in words(done)
    assert json.loads((tmp_path / "some/drift.json").read_text())["parts"] == 6
    for path in parts.glob("0*.png"):
        path.write_bytes(b"")
    done = call("drift", run, parts, "-o", tmp_path / "none")
    assert done.exit_code == 1
    assert "none of the 7 files could be read" in words(done)
    assert not (tmp_path / "none").exists()


def test_a_table_of_scores_is_taken_in_its_order(run, streams, tmp_path):
    for name in ("scores.csv", "scores.jsonl"):
        assert call("score", run, streams[0], "-o", tmp_path / name).exit_code == 0
        done = call("drift", run, tmp_path / name, "-o", tmp_path / name.replace(".", "-"))
        assert done.exit_code == 0, words(done)
    two = [json.loads(p.read_text()) for p in tmp_path.glob("*/drift.json")]
    assert two[0] == two[1]
    assert two[0]["streams"].keys() == {"score"}
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    wrong = call("drift", run, tmp_path / "other.csv")
    assert wrong.exit_code == 1
    assert "no column of scores" in words(wrong)


@pytest.mark.parametrize("name", ["both.csv", "both.jsonl"])
def test_scores_that_two_detectors_share_are_not_held_against_those_of_one(tmp_path, name):
    row = dict.fromkeys(DECIDED) | {"path": "x", "decision": "good", "score": -1.0}
    with table(tmp_path / name, DECIDED) as lines:
        lines.write([row])
    with pytest.raises(ValueError, match=f"{name} holds decisions of two detectors"):
        scores_of(tmp_path / name)


def test_watch_goes_on_from_the_state_it_kept(run, streams, tmp_path):
    state = tmp_path / "state.json"
    arguments = ("--drift", state, "--once-in", 100, "--idle", 0, "-o", tmp_path / "scores.csv")
    first = call("watch", run, streams[0], *arguments)
    assert first.exit_code == 0, words(first)
    assert "drift of" not in words(first)
    second = call("watch", run, streams[1], *arguments)
    assert second.exit_code == 0, words(second)
    assert "Beware: drift of brightness at part" in words(second)
    assert json.loads(state.read_text())["parts"] == 48


def test_a_table_that_is_none_is_named(tmp_path):
    place = tmp_path / "s.csv"
    place.write_text("path,score\n" + "x" * 200_000 + ",1\n")
    with pytest.raises(ValueError, match=r"s\.csv has no column of scores"):
        scores_of(place)


def test_parts_too_few_for_an_alarm_are_not_taken_for_no_drift(run, tmp_path):
    few = write(tmp_path / "few", 200, 250, count=3)
    done = call("drift", run, few, "-o", tmp_path / "out")
    assert done.exit_code == 0, words(done)
    assert "Beware: 3 parts can raise no alarm, whatever they show: it takes at least" in words(
        done
    )
    more = write(tmp_path / "more", 100, 130, count=10)
    done = call("drift", run, more, "-o", tmp_path / "out", "--once-in", 2)
    assert "can raise no alarm" not in words(done)
