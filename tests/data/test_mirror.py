"""Data sets at URLs, held against the same data set in a folder."""

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from stores import Counting, picture

from hardsight.config import DataConfig, anchored, load_data, load_preset
from hardsight.core.cache import CACHE
from hardsight.data import (
    LayoutError,
    Manifest,
    RemoteError,
    categories,
    folder,
    load,
    mirror,
    verify,
    write_textures,
)
from hardsight.data.places import below, exists, on_disk, with_urls
from hardsight.data.textures import TEXTURES

ROOT = "counting://shop/parts"


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A small data set of two categories in a folder."""
    place = tmp_path_factory.mktemp("parts")
    return write_textures(
        place / "parts", TEXTURES[:2], 48, train=5, validation=2, test_good=2, defects_per_kind=1
    )


@pytest.fixture
def store(parts, tmp_path, monkeypatch):
    """Put the data set into a store, and yield what was fetched of it."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    system = Counting()
    system.put(str(parts), ROOT, recursive=True)
    Counting.fetched.clear()
    yield system
    system.rm(ROOT, recursive=True)
    Counting.fetched.clear()


def fetched():
    """Return the names of what was fetched since the last call, below the data set."""
    names = sorted(path.removeprefix("/shop/parts/") for path in Counting.fetched.elements())
    Counting.fetched.clear()
    return names


def test_a_data_set_at_a_url_is_the_one_in_a_folder(parts, store):
    names = categories(parts)
    assert categories(ROOT) == names
    for name in names:
        here, there = load(parts, name, size=16), load(ROOT, name, size=16)
        assert Manifest.of(there).sha256 == Manifest.of(here).sha256
        assert torch.equal(there.test.images(), here.test.images())
        assert torch.equal(there.test.masks(), here.test.masks())
        assert (there.name, there.notes) == (here.name, here.notes)
    assert [c.found for c in verify(ROOT).categories] == [c.found for c in verify(parts).categories]


def test_of_a_category_its_images_are_fetched_once(parts, store):
    first, second = categories(parts)[:2]
    store.pipe_file(f"{ROOT}/licence.txt", b"free")
    load(ROOT, first, size=16)
    names = fetched()
    assert {name.partition("/")[0] for name in names} == {first, "licence.txt", "textures.json"}
    load(ROOT, first, size=16)
    assert fetched() == []
    load(ROOT, second, size=16)
    assert {name.partition("/")[0] for name in fetched()} == {second}


def test_what_changed_is_fetched_again_and_what_is_gone_is_removed(store):
    new = f"{TEXTURES[0]}/train/good/new.png"
    store.pipe_file(f"{ROOT}/{new}", picture(1))
    before = on_disk(ROOT)
    fetched()
    store.pipe_file(f"{ROOT}/{new}", picture(2))
    assert on_disk(ROOT) == before
    assert fetched() == [new]
    assert (before / new).read_bytes() == picture(2)
    store.rm(f"{ROOT}/{new}")
    assert not (on_disk(ROOT) / new).exists()


def test_a_damaged_copy_or_index_is_fetched_again(store):
    place = on_disk(ROOT)
    one = next(place.rglob("*.png"))
    whole = one.read_bytes()
    fetched()
    one.write_bytes(whole[:10])
    on_disk(ROOT)
    assert fetched() == [one.relative_to(place).as_posix()]
    assert one.read_bytes() == whole
    (place.parent / "index.json").write_text("{", "utf-8")
    on_disk(ROOT)
    assert len(fetched()) == sum(path.is_file() for path in place.rglob("*"))


def test_an_interrupted_fetch_goes_on(store, monkeypatch):
    names = sorted(store.find(ROOT))
    get = Counting.get_file

    def failing(self, path, *arguments, **options):
        if path == names[-1]:
            raise ConnectionError("gone")
        get(self, path, *arguments, **options)

    monkeypatch.setattr(Counting, "get_file", failing)
    with pytest.raises(OSError, match=r"counting://shop/parts.*ConnectionError: gone"):
        on_disk(ROOT)
    assert len(fetched()) == len(names) - 1
    monkeypatch.setattr(Counting, "get_file", get)
    place = on_disk(ROOT)
    assert 1 <= len(fetched()) <= 8  # that were on their way
    index = json.loads((place.parent / "index.json").read_text("utf-8"))
    assert index["url"] == ROOT
    assert len(index["files"]) == len(names)


def test_names_that_are_no_paths_are_left_out_and_told(store, caplog):
    odd = ("../../out.png", "a//b.png", "./c.png")
    hidden = (".hidden.png", "__MACOSX/a.png")
    for name in (*odd, *hidden):
        store.store[f"/shop/parts/{name}"] = store.store[next(iter(store.find(ROOT)))]
    place = on_disk(ROOT)
    assert not {Path(name).name for name in (*odd, *hidden)} & {p.name for p in place.rglob("*")}
    assert f"{ROOT}: left out, for they are no paths: {', '.join(sorted(odd))}" in caplog.messages
    for name in (*odd, *hidden):
        del store.store[f"/shop/parts/{name}"]


def test_names_alone_tell_what_cannot_be_read(store):
    with pytest.raises(ValueError, match="holds 2 categories"):
        load(ROOT)
    with pytest.raises(LayoutError, match=r"^path='counting://shop' is arranged as no known"):
        load("counting://shop")
    assert len(categories(ROOT)) == 2
    assert {Path(name).suffix for name in fetched()} == {".json"}


def test_a_store_that_stops_is_told_and_holds_nothing_up(store, monkeypatch):
    released = threading.Event()

    def hanging(self, path, *arguments, **options):
        released.wait(60)

    monkeypatch.setattr(Counting, "get_file", hanging)
    monkeypatch.setattr(mirror, "_PATIENCE", 0.05)
    begun = time.monotonic()
    with pytest.raises(RemoteError, match=rf"^{ROOT} does not answer: no file came.*0 of 1 are"):
        load(ROOT, TEXTURES[0])
    released.set()
    assert time.monotonic() - begun < 30


def test_an_empty_folder_and_a_cache_that_is_none_are_told(store, monkeypatch, tmp_path):
    store.mkdir("counting://shop/empty")
    with pytest.raises(FileNotFoundError, match=r"^counting://shop/empty holds no object$"):
        load("counting://shop/empty")
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE, str(tmp_path / "file"))
    with pytest.raises(OSError, match=f"^{CACHE} or the cache cannot be written: .*file"):
        on_disk(ROOT)


def test_a_full_disk_is_told_before_anything_is_fetched(store, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=rf"^{ROOT} takes .* kB, and .* has 10 bytes free; .*{CACHE}"):
        on_disk(ROOT)
    assert fetched() == []


def test_of_a_table_come_the_images_that_it_names(store):
    rows = "image,label,split\nc/a.png,good,train\n./c/b.png,good,train\nc/c.png,good,test\n"
    store.pipe_file("counting://shop/list/parts.csv", (rows + "c/d.png,bad,test\n").encode())
    for value, name in enumerate("abcde"):
        store.pipe_file(f"counting://shop/list/c/{name}.png", picture(value + 1))
    data = load("counting://shop/list/parts.csv", size=4, val_fraction=0.5)
    assert sorted(sample.path.name for sample in data.test.samples) == ["c.png", "d.png"]
    assert sorted(Counting.fetched) == [
        "/shop/list/c/a.png",
        "/shop/list/c/b.png",
        "/shop/list/c/c.png",
        "/shop/list/c/d.png",
        "/shop/list/parts.csv",
    ]


def test_plain_folders_may_be_urls(parts, store):
    name = categories(parts)[0]
    here = folder(parts / name / "train" / "good", size=8)
    there = folder(below(ROOT, name, "train", "good"), size=8)
    assert np.array_equal(there.train.images(), here.train.images())


def test_a_text_names_files_by_their_urls(store):
    place = on_disk(ROOT)
    assert with_urls(f"{place}/a.png and {place}/b c.png") == f"{ROOT}/a.png and {ROOT}/b c.png"
    assert with_urls(f"{place.parent}x") == f"{place.parent}x"


def test_what_is_not_there_is_named(store):
    with pytest.raises(FileNotFoundError, match=r"^counting://shop/none: there is no such object"):
        load("counting://shop/none")
    with pytest.raises(FileNotFoundError, match=rf"'{ROOT}/brik' .*mean '{ROOT}/brick'"):
        load(ROOT, "brik")
    with pytest.raises(ValueError, match=rf"^path='{ROOT}' holds 2 categories; choose one with"):
        load(ROOT)
    assert exists(ROOT)
    assert not exists("counting://shop/none")


def test_a_configuration_keeps_the_url(store):
    config = anchored(load_preset("patchcore").updated({"data.path": ROOT}))
    assert config.data.path == ROOT
    data = load_data(DataConfig(path=ROOT, category="all"), 8)
    assert len(data.train) > len(
        load_data(DataConfig(path=ROOT, category=categories(ROOT)[0]), 8).train
    )
