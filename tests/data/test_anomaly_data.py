import pytest

from hardsight.data import AnomalyData, ImageSet, Sample, few, load
from hardsight.evaluation.subjects.synthetic import with_fewer_good_parts
from tiny_parts import write_parts


def test_a_limited_test_set_keeps_labels_in_proportion(make_data):
    data = make_data(normal=20, anomalous=60)
    part = data.limited(20)
    assert part.test.labels.sum() == 15
    assert len(part.test) == 20
    assert set(part.test.names) <= set(data.test.names)
    assert part.train is data.train
    assert data.limited(80) is data
    assert data.limited(20, balanced=True).test.labels.sum() == 10
    assert data.limited(60, balanced=True).test.labels.sum() == 40  # there are but 20 normal ones
    refused = "count=1 test images cannot hold both labels; limit them to no fewer than 3$"
    with pytest.raises(ValueError, match=refused):  # of two, 1.5 rounded are anomalous
        data.limited(1)
    assert 0 < data.limited(3).test.labels.sum() < 3


def test_unreadable_files_stay_listed_where_not_all_images_are_taken(tmp_path):
    top = write_parts(tmp_path / "parts")
    for name in ("train/good/000.png", "test/spot/000.png"):
        (top / name).write_bytes(b"no image")
    data = load(top, size=16, on_error="skip")
    lost = [error.path for error in data.skipped]
    assert lost == [top / "train/good/000.png", top / "test/spot/000.png"]
    for part in (data.limited(4), few(data, 5), with_fewer_good_parts(data, 4)):
        assert [error.path for error in part.skipped] == lost


def test_decoding_of_all_three_sets_is_told_as_one(tmp_path):
    told = []
    data = load(
        write_parts(tmp_path / "parts"),
        size=16,
        on_error="skip",
        progress=lambda stage, done, total, info="": told.append((stage, done, total)),
    )
    files = len(data.train) + len(data.validation) + len(data.test)
    assert told == [("decode", i + 1, files) for i in range(files)]


def test_decoding_of_normals_is_told_once_and_they_are_kept(tmp_path):
    data, told = load(write_parts(tmp_path / "parts"), size=16), []

    def listen(stage, done, total, info=""):
        told.append((stage, done, total))

    data.decode_normals(listen)
    normals = len(data.train) + len(data.validation)
    assert told == [("decode", i + 1, normals) for i in range(normals)]
    data.decode_normals(listen)
    assert len(told) == normals


@pytest.fixture
def make_data(tmp_path):
    def make(normal: int, anomalous: int) -> AnomalyData:
        labels = [False] * normal + [True] * anomalous
        samples = [Sample(tmp_path / f"{i:03}.png", label) for i, label in enumerate(labels)]
        empty = ImageSet([], 8, tmp_path)
        return AnomalyData("x", empty, empty, ImageSet(samples, 8, tmp_path), tmp_path)

    return make
