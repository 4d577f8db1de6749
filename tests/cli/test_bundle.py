"""``hardsight bundle`` and ``verify``, and other commands on a bundle."""

import pytest
from typed import call, words


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "part.hsb"
    done = call("bundle", run, "-o", path, "--references", 4)
    assert done.exit_code == 0, words(done)
    assert "not signed" in words(done)
    return path


def test_a_bundle_takes_the_place_of_its_run(run, bundle, parts, tmp_path):
    for name, subject in (("a.csv", run), ("b.csv", bundle)):
        done = call("score", subject, parts / "test", "-o", tmp_path / name)
        assert done.exit_code == 0, words(done)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_verify_says_what_was_checked(bundle, tmp_path):
    done = call("verify", bundle)
    assert done.exit_code == 0, words(done)
    assert "have the SHA-256 that the manifest says" in words(done)
    assert "It is not signed" in words(done)
    cut = tmp_path / "cut.hsb"
    cut.write_bytes(bundle.read_bytes()[:-100])
    done = call("verify", cut)
    assert done.exit_code == 1
    assert "is truncated" in words(done)
    assert "no such bundle" in words(call("verify", tmp_path / "none.hsb"))
    assert "is a folder; make one of a run with" in words(call("verify", tmp_path))


def test_reports_of_a_bundle_lie_beside_it(bundle, parts):
    done = call("drift", bundle, parts / "test/good")
    assert done.exit_code in (0, 2), words(done)
    assert (bundle.parent / "part-reports/drift/drift.png").is_file()
