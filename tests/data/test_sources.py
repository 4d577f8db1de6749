"""Images named by files, lists and URLs."""

import pickle
import re

import fsspec
import pytest
import torch
from stores import Counting, fill, picture

from hardsight.data import Decoding, RemoteError, RemoteFile, iter_sources, read_ahead
from hardsight.data.remote import at_hand

FILES = {
    "b/2.png": picture(20),
    "b.png": picture(10),
    "a/deep/1.PNG": picture(30),
    "a/0.png": picture(40),
    "notes.txt~": b"no image",
    ".hidden/3.png": picture(50),
}
SEEN = ["a/0.png", "a/deep/1.PNG", "b/2.png", "b.png"]


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    fill(system, "/parts", FILES)
    yield "memory://parts"
    system.rm("/parts", recursive=True)


@pytest.fixture
def local(tmp_path):
    fill(fsspec.filesystem("file", auto_mkdir=True), tmp_path / "parts", FILES)
    return tmp_path / "parts"


def below(sources):
    return [str(source).partition("parts/")[2] for source in sources]


def test_a_folder_in_a_store_has_the_order_of_one_on_disk(memory, local):
    assert below(iter_sources([str(local)])) == SEEN
    assert below(iter_sources([memory])) == below(iter_sources([memory + "/"])) == SEEN
    assert below(iter_sources([f"{memory}/*.png"])) == ["b.png"]
    assert below(iter_sources([f"{memory}/b.png", str(local / "b")])) == ["b.png", "b/2.png"]


def test_an_object_is_read_as_the_file_is(memory, local):
    sources = pickle.loads(pickle.dumps(list(iter_sources([memory, str(local)]))))
    frames = list(read_ahead(sources, Decoding((4, 4)), 2))
    half = len(SEEN)
    for there, here in zip(frames[:half], frames[half:], strict=True):
        assert torch.equal(there.image, here.image)
    assert frames[0].name == "memory:///parts/a/0.png"


def test_lists_name_images_wherever_they_are(memory, local, tmp_path):
    fsspec.filesystem("memory").pipe_file("/parts/list.csv", b"score,path\n0.5,a/0.png\n")
    text = tmp_path / "list.txt"
    text.write_text(f"parts/b.png\n\n{local}/b/2.png\n{memory}/a/0.png\n", encoding="utf-8")
    assert list(iter_sources([str(text)])) == [
        local / "b.png",
        local / "b/2.png",
        RemoteFile(f"{memory}/a/0.png"),
    ]
    assert list(iter_sources([f"{memory}/list.csv"])) == [RemoteFile(f"{memory}/a/0.png")]
    (tmp_path / "empty.txt").touch()
    with pytest.raises(FileNotFoundError, match="is a list without an image"):
        iter_sources([str(tmp_path / "empty.txt")])
    (tmp_path / "wrong.csv").write_text("path;label\na.png;1\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"wrong\.csv has no column path or image but path;label; "
    ):
        iter_sources([str(tmp_path / "wrong.csv")])


def test_what_cannot_be_read_names_the_url_and_the_way_out(memory):
    refused = {
        f"{memory}/none": (FileNotFoundError, "no such object or folder"),
        f"{memory}/*.gif": (FileNotFoundError, "holds no image"),
        "refusing://parts": (RemoteError, "PermissionError: The AWS Access Key.*credentials"),
        "absent://parts": (ImportError, r"Please install absentfs.*pip install 'hardsight\[remote"),
        "nothing://parts": (ValueError, "is of no known store"),
    }
    for url, (error, why) in refused.items():
        with pytest.raises(error, match=f"^{re.escape(url)}.*{why}"):
            iter_sources([url])


def test_an_object_that_is_gone_or_damaged_is_named(memory):
    fsspec.filesystem("memory").pipe_file("/parts/bad.png", picture(1)[:40])
    gone, bad = read_ahead([RemoteFile(f"{memory}/no.png"), RemoteFile(f"{memory}/bad.png")],
                           Decoding((4, 4)), 2)  # fmt: skip
    assert str(gone.error) == f"cannot use image {memory}/no.png: there is no such object"
    assert str(bad.error).startswith(f"cannot use image {memory}/bad.png: ")
    with at_hand(RemoteFile(f"{memory}/b.png")) as copy:
        assert copy.read_bytes() == FILES["b.png"]
    assert not copy.exists()


def test_no_more_is_fetched_than_is_waited_for():
    fill(fsspec.filesystem("counting"), "/many", {f"{i:02}.png": picture(i) for i in range(20)})
    frames = read_ahead(iter_sources(["counting://many"]), Decoding((4, 4)), 3)
    for done in range(1, 6):
        next(frames)
        assert Counting.fetched.total() <= done + 3
    assert len(list(frames)) == 15
    assert set(Counting.fetched.values()) == {1}


def test_a_list_that_is_no_csv_is_named_with_its_line(tmp_path):
    place = tmp_path / "list.csv"
    place.write_text("path\na.png\n" + "x" * 200_000 + "\n")
    with pytest.raises(ValueError, match=r"list\.csv has no row of CSV after line 2"):
        list(iter_sources([str(place)]))
