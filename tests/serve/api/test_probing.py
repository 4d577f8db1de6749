"""One image attacked and certified by HTTP: what the library says of it, and nothing is logged."""

import asyncio
import base64
import io
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from pictures_sent import files, png
from PIL import Image

from bright import blind
from hardsight.attacks import PGD, Linf, ScoreObjective
from hardsight.certify import certified_radius
from hardsight.serve.api.probing import _in_time
from hardsight.serve.probes import Attacking, Certifying, certify_image

ATTACK, CERTIFY = "/v1/models/parts/attack", "/v1/models/parts/certify"


@pytest.fixture
def image(service):
    return service.job(service.models.get("parts"), png(), "").image


def test_an_attack_is_pgd_on_the_score_towards_the_other_decision(client, service, image):
    found = client.post(ATTACK, files=files(png()), params={"eps": 8 / 255, "steps": 4}).json()
    detector = service.models.get("parts").detector
    clean = detector.decide(image[None])
    noise = detector.decision_noise(image[None])
    objective = ScoreObjective(detector, clean.pred_label, noise=noise)
    attacked = PGD(Linf(8 / 255), 4, random_start=False)(objective, image[None]).images
    expected = float(detector.decide(attacked).pred_score)
    assert found["clean_score"] == pytest.approx(float(clean.pred_score))
    assert found["score"] == pytest.approx(expected, rel=1e-4)
    assert (found["score"] > found["clean_score"]) is not found["clean_label"]
    assert found["label"] is (found["score"] > found["threshold"])
    assert found["l2"] == pytest.approx(float((attacked - image[None]).norm()), rel=1e-4)
    picture = Image.open(io.BytesIO(base64.b64decode(found["image"])))
    change = np.asarray(picture, float) / 255 - image.permute(1, 2, 0).numpy()
    assert np.abs(change).max() <= 8 / 255 + 0.5 / 255
    assert service.log.count() == 0


def test_no_radius_changes_nothing(client):
    found = client.post(ATTACK, files=files(png()), params={"eps": 0}).json()
    assert found["score"] == found["clean_score"]


def test_a_certificate_is_that_of_all_noisy_copies(client, service, image):
    found = client.post(CERTIFY, files=files(png()), params={"sigma": 0.1, "copies": 60}).json()
    work = Certifying(service.models.get("parts"), image, 0.1, 60)
    while not work.done:
        work.step()
    again = certify_image(work)
    assert len(work.scores) == 60
    assert len(set(work.scores)) == 60, "no part begins its noise anew"
    assert (found["decision"], found["radius"]) == (again.decision, again.radius)
    expected = certified_radius(work.scores, found["threshold"], 0.1, 0.001)
    assert found["radius"] == (None if np.isnan(expected.radius) else float(expected.radius))
    assert found["median"] == float(np.median(work.scores))
    assert service.log.count() == 0


def test_what_has_no_gradient_is_certified_and_not_attacked(client, service):
    model = service.models.get("parts")
    model.detector.differentiable = False
    refused = client.post(ATTACK, files=files(png()))
    assert refused.status_code == 409
    assert "exported from" in refused.json()["detail"]
    assert client.post(CERTIFY, files=files(png()), params={"copies": 50}).status_code == 200
    assert torch.is_grad_enabled()


def test_an_attack_that_loses_its_gradient_is_not_shown(client, service, monkeypatch):
    detector = service.models.get("parts").detector
    score = detector.score_only

    def ending(images, noise=None):
        return score(images + blind(images, images.amax((1, 2, 3)) >= 0), noise)

    monkeypatch.setattr(detector, "score_only", ending)
    refused = client.post(ATTACK, files=files(png()))
    assert refused.status_code == 422
    assert "is not finite on this image" in refused.json()["detail"]


def test_more_copies_than_the_time_of_a_request_allows_are_refused(client, service, monkeypatch):
    step = Certifying.step

    def slow(work):
        time.sleep(1)
        step(work)

    monkeypatch.setattr(Certifying, "step", slow)
    monkeypatch.setattr(service, "limits", replace(service.limits, seconds=3))
    answer = client.post(CERTIFY, files=files(png()), params={"copies": 999})
    assert answer.status_code == 422, answer.text
    assert "of 999 copies were made in the time of a request" in answer.json()["detail"]
    assert "copies=50" in answer.json()["detail"]


def test_decisions_come_between_the_steps_of_an_attack(service, image, monkeypatch):
    """The image that arrives during the first step is answered before the second begins."""
    model, order = service.models.get("parts"), []
    step = Attacking.step

    def followed(work):
        step(work)
        order.append(f"step {work.made}")
        if work.made == 1:
            job = service.job(model, png(), "line")
            job.answer.add_done_callback(lambda _: order.append("decision"))
            service.scorer.submit([job])

    monkeypatch.setattr(Attacking, "step", followed)
    work = Attacking(service.job(model, png(), ""), 8 / 255, 3)
    asyncio.run(_in_time(service, work))
    assert work.made == 3
    assert order.index("decision") < order.index("step 3")
