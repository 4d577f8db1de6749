"""``hardsight evaluate --purify``: a detector behind a purifier, by its depth."""

import json

from typed import call, words

FEW = ("--suite", "pgd", "--steps", 1, "--curve", "", "--gallery", 1, "--fresh-draws", 1)


def test_the_report_has_clean_and_attacked_auroc_against_the_depth(run, tmp_path):
    done = call(
        "evaluate", run, "--purify", run, "--t-star", "50,100", *FEW, "--limit", 4, "-o", tmp_path
    )
    assert done.exit_code == 0, words(done)
    for depth in (0, 100):  # beside the 50 of the table
        assert f"clean images, t* = {depth}" in words(done)
        assert f"pgd, t* = {depth}" in words(done)
    report = json.loads((tmp_path / "report.json").read_text())
    (curve,) = report["curves"]
    assert curve["x_label"] == "t*"
    for points in curve["lines"].values():
        assert [x for x, _ in points] == [0, 50, 100]
    assert f"one-shot by {run}" in report["provenance"]["purifier"]
    assert "not audited" in report["rows"][-1]["flags"]
    page = (tmp_path / "report.html").read_text()
    assert "Does the purifier erase attacks, or defects?" in page
    assert "| t* | clean | pgd |" in (tmp_path / "report.md").read_text()


def test_what_is_wrong_with_the_purifier_is_said(run, tmp_path):
    for arguments, message in (
        (("--t-star", "50"), "--t-star and --purifier are of --purify"),
        (("--purify", run, "--t-star", "deep"), "--t-star='deep' must be whole numbers"),
        (("--purify", run, "--t-star", ","), "--t-star=',' must be whole numbers"),
        (("--purify", run, "--t-star", "5000"), "t* must be 1 to 999"),
        (("--purify", tmp_path), f"--purify='{tmp_path}' holds no saved detector"),
        (("--purify", "photografs"), "did you mean 'photographs'?"),
        (("--purify", run, "--beside", run), "--purify and --curve and"),
    ):
        done = call("evaluate", run, *arguments, *FEW)
        assert done.exit_code == 1
        assert message in words(done)
