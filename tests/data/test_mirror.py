"""The copy of a data set in a store: what is fetched, again, removed and refused."""

import json
import shutil
import threading
import time
from pathlib import Path

import pytest
from stores import ROOT, Counting, picture

from hardsight.core.cache import CACHE
from hardsight.data import RemoteError, load, mirror
from hardsight.data.mirror import Mirror
from hardsight.data.textures import TEXTURES


def test_what_changed_is_fetched_again_and_what_is_gone_is_removed(store):
    new = f"{TEXTURES[0]}/train/good/new.png"
    store.pipe_file(f"{ROOT}/{new}", picture(1))
    before = Mirror(ROOT).updated(None)
    Counting.taken()
    store.pipe_file(f"{ROOT}/{new}", picture(2))
    assert Mirror(ROOT).updated(None) == before
    assert Counting.taken() == [new]
    assert (before / new).read_bytes() == picture(2)
    store.rm(f"{ROOT}/{new}")
    assert not (Mirror(ROOT).updated(None) / new).exists()


def test_a_damaged_copy_or_index_is_fetched_again(store):
    place = Mirror(ROOT).updated(None)
    one = next(place.rglob("*.png"))
    whole = one.read_bytes()
    Counting.taken()
    one.write_bytes(whole[:10])
    Mirror(ROOT).updated(None)
    assert Counting.taken() == [one.relative_to(place).as_posix()]
    assert one.read_bytes() == whole
    (place.parent / "index.json").write_text("{", "utf-8")
    Mirror(ROOT).updated(None)
    assert len(Counting.taken()) == sum(path.is_file() for path in place.rglob("*"))


def test_an_interrupted_fetch_goes_on(store, monkeypatch):
    names = sorted(store.find(ROOT))
    get = Counting.get_file

    def failing(self, path, *arguments, **options):
        if path == names[-1]:
            raise ConnectionError("gone")
        get(self, path, *arguments, **options)

    monkeypatch.setattr(Counting, "get_file", failing)
    with pytest.raises(OSError, match=r"counting://shop/parts.*ConnectionError: gone"):
        Mirror(ROOT).updated(None)
    assert len(Counting.taken()) >= len(names) - 8  # the others were on their way
    monkeypatch.setattr(Counting, "get_file", get)
    place = Mirror(ROOT).updated(None)
    assert 1 <= len(Counting.taken()) <= 8  # that were on their way
    index = json.loads((place.parent / "index.json").read_text("utf-8"))
    assert index["url"] == ROOT
    assert len(index["files"]) == len(names)


def test_names_that_are_no_paths_are_left_out_and_told(store, caplog):
    odd = ("../../out.png", "a//b.png", "./c.png")
    hidden = (".hidden.png", "__MACOSX/a.png")
    for name in (*odd, *hidden):
        store.store[f"/shop/parts/{name}"] = store.store[next(iter(store.find(ROOT)))]
    place = Mirror(ROOT).updated(None)
    assert not {Path(name).name for name in (*odd, *hidden)} & {p.name for p in place.rglob("*")}
    assert f"{ROOT}: left out, for they are no paths: {', '.join(sorted(odd))}" in caplog.messages
    for name in (*odd, *hidden):
        del store.store[f"/shop/parts/{name}"]


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
        Mirror(ROOT).updated(None)


def test_a_full_disk_is_told_before_anything_is_fetched(store, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=rf"^{ROOT} takes .* kB, and .* has 10 bytes free; .*{CACHE}"):
        Mirror(ROOT).updated(None)
    assert Counting.taken() == []


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
