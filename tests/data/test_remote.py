"""A first look at a store: what is there, soon or not at all, in one error."""

import logging
import time

import pytest
from stores import ROOT, Silent, picture

from hardsight.data import RemoteError, iter_sources, load, remote
from hardsight.data.places import exists
from hardsight.data.remote import look


def test_a_look_says_what_is_there(store):
    store.pipe_file(f"{ROOT}/one.png", picture(1))
    system, path, found = look(f"{ROOT}/one.png")
    assert system.cat_file(path) == picture(1)
    assert (found["type"], found["size"]) == ("file", len(picture(1)))
    assert look(ROOT)[2]["type"] == "directory"
    with pytest.raises(FileNotFoundError, match=rf"^{ROOT}/none: there is no such object"):
        look(f"{ROOT}/none")


@pytest.mark.parametrize("read", [load, exists, lambda url: iter_sources([url])])
def test_a_store_that_does_not_answer_is_waited_for_no_longer(read, monkeypatch):
    monkeypatch.setattr(remote, "_PATIENCE", 0.05)
    Silent.released.clear()
    begun = time.monotonic()
    with pytest.raises(RemoteError, match=r"^silent://parts does not answer in 0\.05 s; look at"):
        read("silent://parts")
    assert time.monotonic() - begun < 30
    Silent.released.set()


@pytest.mark.parametrize("name", ["gcsfs", "google.auth._default", "azure.identity"])
def test_what_libraries_raise_they_do_not_print_but_who_set_up_logging_hears(
    name, monkeypatch, capsys, caplog
):
    logging.getLogger(name).error("out of retries")
    assert caplog.messages == ["out of retries"]
    monkeypatch.setattr(logging.root, "handlers", [])
    logging.getLogger(name).error("out of retries")
    assert capsys.readouterr().err == ""
