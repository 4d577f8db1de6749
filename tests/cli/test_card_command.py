"""``hardsight card``, and the commands that write the card anew."""

from typed import call, words

from hardsight.runs import DetectorRun


def test_it_prints_the_card_that_lies_in_the_run(run):
    done = call("card", run)
    assert done.exit_code == 0, words(done)
    assert done.stdout.strip() == (run / "README.md").read_text().strip()


def test_it_loads_the_detector_once(run, monkeypatch):
    opened, load = [], DetectorRun.detector
    monkeypatch.setattr(
        DetectorRun, "detector", lambda own, *a: opened.append(own.path) or load(own, *a)
    )
    assert call("card", run).exit_code == 0
    assert opened == [run]


def test_an_evaluation_stands_in_it(run):
    limits = ("--suite", "pgd", "--steps", 1, "--limit", 4, "--curve", "")
    done = call("evaluate", run, *limits, "--gallery", 0, "--fresh-draws", 2)
    assert done.exit_code == 0, words(done)
    assert "| pgd | L-inf 2/255 |" in (run / "README.md").read_text()


def test_that_of_a_bundle_is_printed_and_left_as_it_is(run, tmp_path):
    path = tmp_path / "part.hsb"
    assert call("bundle", run, "-o", path, "--references", 0).exit_code == 0
    before = path.read_bytes()
    done = call("card", path)
    assert done.exit_code == 0, words(done)
    assert "## Files, SHA-256" in done.stdout
    assert path.read_bytes() == before


def test_a_folder_without_a_run_is_refused(tmp_path):
    done = call("card", tmp_path)
    assert done.exit_code == 1
    assert "hardsight fit" in words(done)
