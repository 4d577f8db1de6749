"""``hardsight certify`` as a person types it."""

import json

import pytest
from typed import call, words

SMALL = ("--n", 40, "--radii", "0,0.05", "--batch-size", 40, "--pixels", 2)


def test_certify_compares_two_designs_and_resumes(run):
    arguments = ("certify", run, *SMALL, "--design", "plain", "--design", "denoise")
    done = call(*arguments)
    assert done.exit_code == 0, words(done)
    folder = run / "certificate"
    found = json.loads((folder / "certificate.json").read_text())["certificates"]
    assert [c["design"] for c in found] == ["plain", "denoise"]
    assert all(0 <= p["auroc_joint"] <= p["auroc"] <= 1 for c in found for p in c["rows"])
    assert (folder / "certificate.html").stat().st_size > 10_000
    assert "What this does not say" in (folder / "certificate.md").read_text()
    assert "certificate.html" in words(done).replace(" ", "")
    stamps = {p: p.stat().st_mtime_ns for p in (folder / "state").rglob("*.safetensors")}
    before = (folder / "certificate.json").read_bytes()
    assert call(*arguments).exit_code == 0
    assert {p: p.stat().st_mtime_ns for p in (folder / "state").rglob("*.safetensors")} == stamps
    assert (folder / "certificate.json").read_bytes() == before


def test_sigma_is_chosen_and_said_and_sampling_stops_early(run, tmp_path):
    done = call(
        "certify", run, *SMALL, "--choose-sigma", "--sigmas", "0.05,0.2", "--limit", 4,
        "--early-stopping", "--n", 60, "-o", tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0, words(done)
    (found,) = json.loads((tmp_path / "certificate.json").read_text())["certificates"]
    assert found["terms"]["sigma"] in (0.05, 0.2)
    assert "synthetic defects" in found["provenance"]["sigma"]
    assert found["rows"][0]["auroc"] is None
    assert len(found["decisions"]) == 4
    assert any(note.startswith("Only 4 of ") for note in found["notes"])
    assert "Only 4 of " in (tmp_path / "certificate.html").read_text()
    assert set(found["decisions"]) <= {-1, 0, 1}


def test_an_attack_stands_beside_what_is_certified(run, tmp_path):
    done = call("certify", run, *SMALL, "--limit", 4, "--attack", "pgd", "--steps", 1,
                "-o", tmp_path)  # fmt: skip
    assert done.exit_code == 0, words(done)
    (found,) = json.loads((tmp_path / "certificate.json").read_text())["certificates"]
    (attack,) = found["attacks"]
    assert (attack["name"], attack["radius"], attack["broken"]) == ("pgd", 0.05, 0)
    assert "AUROC attacked" in (tmp_path / "certificate.html").read_text()
    assert "Attacks on the smoothed model" in done.stdout
    left = f"{attack['auroc']:.3f} │ {attack['certified']:.3f}"
    assert left in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sigma", "0"), "sigma must be finite"),
        (("--attack", "sae"), "suite='sae' is not for a detector"),
        (("--radii", "0;1"), "with commas between"),
        (("--design", "best"), "choose from plain, single, denoise, as-is"),
        (("--alpha", "2"), "alpha must be"),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_mistakes_get_the_way_out(run, arguments, message):
    done = call("certify", run, *arguments)
    assert done.exit_code == 1
    assert message in words(done)
