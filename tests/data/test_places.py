"""Data sets at URLs, held against the same data set in a folder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from stores import ROOT, Counting

from hardsight.config import DataConfig, anchored, load_data, load_preset
from hardsight.data import (
    LayoutError,
    Manifest,
    categories,
    folder,
    iter_images,
    load,
    verify,
)
from hardsight.data.places import below, exists, on_disk, with_urls
from hardsight.data.textures import TEXTURES


def test_a_data_set_at_a_url_is_the_one_in_a_folder(stored, store):
    names = categories(stored)
    assert categories(ROOT) == names
    for name in names:
        here, there = load(stored, name, size=16), load(ROOT, name, size=16)
        assert Manifest.of(there).sha256 == Manifest.of(here).sha256
        assert torch.equal(there.test.images(), here.test.images())
        assert torch.equal(there.test.masks(), here.test.masks())
        assert (there.name, there.notes) == (here.name, here.notes)
    assert [c.found for c in verify(ROOT).categories] == [
        c.found for c in verify(stored).categories
    ]


def test_of_a_category_its_images_are_fetched_once(stored, store):
    first, second = categories(stored)[:2]
    store.pipe_file(f"{ROOT}/licence.txt", b"free")
    load(ROOT, first, size=16)
    names = Counting.taken()
    assert {name.partition("/")[0] for name in names} == {first, "licence.txt", "textures.json"}
    load(ROOT, first, size=16)
    assert Counting.taken() == []
    load(ROOT, second, size=16)
    assert {name.partition("/")[0] for name in Counting.taken()} == {second}


def test_names_alone_tell_what_cannot_be_read(store):
    with pytest.raises(ValueError, match="holds 2 categories"):
        load(ROOT)
    with pytest.raises(LayoutError, match=r"^path='counting://shop' is arranged as no known"):
        load("counting://shop")
    assert len(categories(ROOT)) == 2
    assert {Path(name).suffix for name in Counting.taken()} == {".json"}


def test_plain_folders_may_be_urls(stored, store):
    name = categories(stored)[0]
    here = folder(stored / name / "train" / "good", size=8)
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


def test_to_load_asks_for_the_names_once(store):
    load(ROOT, TEXTURES[0], size=16)
    assert Counting.listings == 1
    assert categories(ROOT) == sorted(TEXTURES[:2])
    assert Counting.listings == 2


@pytest.mark.parametrize("path", ["s3:/line/parts", "/home/me/s3:/line/parts"])
def test_a_url_with_one_slash_is_answered_by_the_url(path):
    for read in (load, categories, lambda place: list(iter_images(place))):
        with pytest.raises(FileNotFoundError, match=r"; did you mean 's3://line/parts'\?$"):
            read(path)


def test_drives_and_colons_are_no_schemes(tmp_path):
    for name in ("c:/parts", "a:b/parts"):
        with pytest.raises(FileNotFoundError) as error:
            load(tmp_path / name)
        assert "://" not in str(error.value)
