"""The scripts of the tutorials run, at small sizes, and find what their pages say."""

import beside_a_camera
import certify_for_a_sign_off
import first_detector
import is_it_robust
import pytest
import your_own_parts

from hardsight.audit import Budget

ONCE = Budget("once", ("score",), (1, 2), 2, (1,), (1,), queries=4, gradients=4)
SIZE, NORMALS = 48, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where all scripts write: the data of three of them are the same."""
    return tmp_path_factory.mktemp("examples")


def test_a_first_detector_finds_the_defects_and_shows_one(folder):
    assert first_detector.main(folder, SIZE, NORMALS) > 0.7
    assert (folder / "heat.jpg").stat().st_size > (folder / "part.jpg").stat().st_size / 4
    assert (folder / "detector/model.safetensors").is_file()


def test_a_masked_gradient_looks_robust_and_the_audit_says_why_it_is_not(folder):
    found = is_it_robust.main(folder, SIZE, NORMALS, images=4, budget=ONCE)
    (plain, _), (masked, reasons) = found["plain"], found["masked"]
    assert masked > plain
    assert any(reason.startswith("unreliable: ") for reason in reasons)


def test_bad_parts_of_a_folder_raise_an_alarm(folder):
    alarms = your_own_parts.main(folder, SIZE, count=130)
    assert sum(alarms) > len(alarms) / 2
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_certificate_falls_with_the_radius(folder):
    found = certify_for_a_sign_off.main(folder, SIZE, NORMALS, images=4, n=30)
    at = [point.auroc for point in found.rows]
    assert at == sorted(at, reverse=True)
    assert 0 < at[0] <= found.clean


def test_pictures_of_a_camera_are_sorted_and_a_dim_lamp_is_noticed(folder):
    lie, alarms = beside_a_camera.main(folder, SIZE, NORMALS)
    assert sum(lie.values()) == 2 * 40
    assert not any((folder / "incoming").iterdir())
    first = next(alarm for alarm in alarms if "brightness" in alarm)
    assert 40 < int(first.rpartition(" ")[2]) <= 2 * 40
