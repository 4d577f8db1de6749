"""Commands on data sets in object storage, held against the same on disk."""

import json

import fsspec
import pytest
import yaml
from stores import s3_server
from test_benchmark_command import PLAN
from typed import call, words

from hardsight.benchmark import entries
from hardsight.core.cache import CACHE
from hardsight.runs import open_run
from tiny_parts import write_parts

EVALUATE = ("--suite", "pgd", "--limit", 4, "--steps", 1, "--curve", "", "--gallery", 0)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))


@pytest.fixture
def stored(parts):
    """Put the data set into memory, and yield its URL."""
    system = fsspec.filesystem("memory")
    system.put(str(parts), "/shop/parts", recursive=True)
    yield "memory://shop/parts"
    system.rm("/shop", recursive=True)


def rows(folder):
    """Return the figures of a report, without how long they took."""
    found = json.loads((folder / "report.json").read_text("utf-8"))["rows"]
    return [{k: v for k, v in row.items() if k != "seconds_per_image"} for row in found]


def test_a_detector_is_fitted_and_measured_from_a_url(run, stored, tiny_preset, tmp_path):
    fitted = tmp_path / "run"
    done = call("fit", tiny_preset, "--data", stored, "--run", fitted)
    assert done.exit_code == 0, words(done)
    for name in ("model.safetensors", "calibration.json", "manifest.json"):
        assert (fitted / name).read_bytes() == (run / name).read_bytes()
    assert open_run(fitted).config.data.path == stored
    for one, place in ((run, "here"), (fitted, "there")):
        done = call("evaluate", one, *EVALUATE, "-o", tmp_path / place)
        assert done.exit_code == 0, words(done)
    assert rows(tmp_path / "here") == rows(tmp_path / "there")
    done = call("evaluate", run, *EVALUATE, "--data", stored, "-o", tmp_path / "other")
    assert rows(tmp_path / "here") == rows(tmp_path / "other")
    assert call("data", stored).exit_code == 0


def test_an_unusable_image_is_named_by_its_url(stored):
    fsspec.filesystem("memory").pipe_file("/shop/parts/test/good/000.png", b"no picture")
    done = call("data", stored)
    assert done.exit_code == 1
    assert f"unusable: cannot use image {stored}/test/good/000.png" in words(done)


def test_a_store_that_lost_an_image_stops_a_run_that_knows_it(stored, tiny_preset, tmp_path):
    fitted = tmp_path / "run"
    assert call("fit", tiny_preset, "--data", stored, "--run", fitted).exit_code == 0
    fsspec.filesystem("memory").rm("/shop/parts/test/spot/000.png")
    done = call("evaluate", fitted, *EVALUATE)
    assert done.exit_code == 1
    assert "test/spot/000.png" in words(done)
    fsspec.filesystem("memory").rm("/shop/parts", recursive=True)
    done = call("evaluate", fitted, *EVALUATE)
    assert done.exit_code == 1
    assert f"{stored}, is not there any more" in words(done)


def test_a_benchmark_takes_the_url_of_its_data(stored, parts, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump(PLAN), encoding="utf-8")
    found = []
    for name, root in (("here", parts.parent), ("there", "memory://shop")):
        done = call("benchmark", plan, "--data", root, "-o", tmp_path / name)
        assert done.exit_code == 0, words(done)
        found.append([entry.result() for entry in entries(tmp_path / name).values()])
    assert found[0] == found[1]
    done = call("benchmark", plan, "--data", "memory://shop/none", "-o", tmp_path / "none")
    assert "missing: padim, mvtec_ad, parts, seed 0: memory://shop/none is not there" in words(done)


@pytest.mark.slow
def test_workers_fit_each_category_of_a_bucket(tiny_preset, tmp_path):
    for seed, name in enumerate(("nuts", "bolts")):
        write_parts(tmp_path / "set" / name, seed)
    top = tmp_path / "set"
    files = {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*.png")}
    options = ("--each", "--workers", 2)
    with s3_server("shop/parts", files):
        for place, name in ((top, "here"), ("s3://shop/parts", "there")):
            done = call("fit", tiny_preset, "--data", place, *options, "--run", tmp_path / name)
            assert done.exit_code == 0, words(done)
        done = call("evaluate", tmp_path / "there" / "nuts", *EVALUATE, "--workers", 2)
        assert done.exit_code == 0, words(done)
    for name in ("nuts", "bolts"):
        here, there = (tmp_path / place / name / "model.safetensors" for place in ("here", "there"))
        assert here.read_bytes() == there.read_bytes()
