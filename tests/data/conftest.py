"""A data set in a store in memory, beside the same in a folder."""

import pytest
from stores import ROOT, Counting

from hardsight.core.cache import CACHE
from hardsight.data import write_textures
from hardsight.data.textures import TEXTURES


@pytest.fixture(scope="session")
def stored(tmp_path_factory):
    """A small data set of two categories in a folder."""
    place = tmp_path_factory.mktemp("stored")
    return write_textures(
        place / "parts", TEXTURES[:2], 48, train=5, validation=2, test_good=2, defects_per_kind=1
    )


@pytest.fixture
def store(stored, tmp_path, monkeypatch):
    """Put the data set into a store at ``ROOT``, and yield the store, which counts."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    system = Counting()
    system.put(str(stored), ROOT, recursive=True)
    Counting.taken()
    yield system
    system.rm(ROOT.rpartition("/")[0], recursive=True)  # with what a test put beside it
    Counting.taken()
