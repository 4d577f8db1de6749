"""Two detectors side by side behind one name: good, suspicious or a defect, in log and answer."""

from dataclasses import replace

import numpy as np
import pytest
from pictures_sent import files, png
from typed import call, words

from hardsight.runs import beside, open_detector_run
from hardsight.serve.app import build_app
from hardsight.serve.log import Query
from hardsight.serve.log.thresholds import ThresholdVersion
from hardsight.serve.models import ModelError, Origin
from hardsight.serve.service import Service

SCORE = "/v1/models/parts/score"


@pytest.fixture
def two(served_run, second_run, place):
    found = Service([Origin(served_run, second_run)], place, device="cpu")
    yield found
    found.stop()


@pytest.fixture
def client(two):
    from starlette.testclient import TestClient

    return TestClient(build_app(two), base_url="http://127.0.0.1")


@pytest.fixture(scope="module")
def both(served_run, second_run):
    return beside(open_detector_run(served_run), open_detector_run(second_run), "cpu")[0]


@pytest.fixture
def jobs(two):
    model = two.models.get("parts")
    images = [png(seed, spot=bool(seed % 2)) for seed in range(6)]
    return [two.job(model, image, f"{i}.png") for i, image in enumerate(images)]


def test_decisions_are_those_of_the_two_detectors(client, two, both):
    images = [png(seed, spot=bool(seed % 2)) for seed in range(6)]
    rows = client.post(SCORE, files=files(*images)).json()["decisions"]
    pixels = [two.job(two.models.get("parts"), image, "").image.numpy() for image in images]
    found = both.inspect([(255 * p.transpose(1, 2, 0)).round().astype(np.uint8) for p in pixels])
    assert [row["verdict"] for row in rows] == found.decisions
    np.testing.assert_allclose([row["score"] for row in rows], found.scores, rtol=1e-4)
    np.testing.assert_allclose([row["p_robust"] for row in rows], found.p_values[:, 0])
    np.testing.assert_allclose([row["p_suspicion"] for row in rows], found.p_values[:, 1])
    assert [row["label"] for row in rows] == [row["verdict"] != "good" for row in rows]
    logged = [each.decision.verdict for each in two.log.read()]
    assert logged == [row["verdict"] for row in rows]
    for verdict in set(logged):
        shown = client.get("/v1/decisions", params={"verdict": verdict}).json()
        assert shown["total"] == two.log.count(Query(verdict=verdict)) == logged.count(verdict)
    assert f'verdict="{logged[0]}"' in client.get("/metrics").text


def test_a_threshold_from_feedback_moves_the_verdicts_with_the_label(two, jobs):
    model = two.models.get("parts")
    for shift in (-1e9, 0.0, 1e9):
        calibration = replace(model.calibration, threshold=shift)
        moved = model.with_threshold(ThresholdVersion(1, calibration, ""))
        images = np.stack([job.image for job in jobs])
        decided, _ = moved.decide(jobs[0].image.new_tensor(images), [j.arrival for j in jobs])
        assert [d.label for d in decided] == [d.verdict != "good" for d in decided]
        if shift:
            assert {d.label for d in decided} == {shift < 0}


def test_the_model_says_that_two_decide_and_a_reload_keeps_both(client, two):
    shown = client.get("/v1/models/parts").json()
    assert (shown["beside"], shown["method"]) == (True, "TwoWitnesses")
    assert client.put("/v1/models/parts", json={}).json() == shown
    alone = client.put("/v1/models/parts", json={"run": str(two.models.get("parts").origin.run)})
    assert alone.json()["beside"] is False


def test_a_second_run_elsewhere_is_not_loaded(two, served_run, tmp_path):
    with pytest.raises(ModelError, match="does not lie beside"):
        two.models.load("parts", str(served_run), str(tmp_path / "elsewhere"))


def test_two_detectors_are_attacked_and_certified_together(client):
    attacked = client.post("/v1/models/parts/attack", files=files(png()), params={"eps": 0.05})
    assert attacked.status_code == 200, attacked.text
    found = attacked.json()
    assert (found["score"] > found["clean_score"]) is not found["clean_label"]
    certified = client.post(
        "/v1/models/parts/certify", files=files(png()), params={"copies": 50, "sigma": 0.1}
    )
    assert certified.json()["decision"] in ("NORMAL", "ANOMALOUS", "UNDECIDED")


def test_the_command_takes_a_second_run_for_one_alone(served_run, second_run):
    done = call("serve", served_run, second_run, "--beside", second_run)
    assert done.exit_code == 1
    assert "--beside is for one run, got 2" in words(done)
