"""Exports and bundles in the place of runs: the same scores; what is not signed is refused."""

import importlib.util

import numpy as np
import pytest
from pictures_sent import png
from typed import call, words

from hardsight.core.run_folders import BundleError
from hardsight.runs import open_detector_run
from hardsight.runs.bundles.opening import KEY
from hardsight.runs.bundles.writing import BundleOptions, write_bundle
from hardsight.serve.log import InspectionLog
from hardsight.serve.models import Models, Origin

NEEDS = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("onnx", "openvino")}


@pytest.fixture
def log(tmp_path):
    with InspectionLog(tmp_path / "log.db") as found:
        yield found


def assert_decides_alike(service, log, run, origin):
    """Of one image, a model of the origin says what the run's own says."""
    model = Models(log, [origin], "cpu").get(origin.name)
    job = service.job(service.models.get("parts"), png(3, spot=True), "a.png")
    (found,), (heat,) = model.decide(job.image[None], [job.arrival])
    (expected,), (own,) = job.model.decide(job.image[None], [job.arrival])
    assert found.score == pytest.approx(expected.score, rel=1e-3)
    assert found.label == expected.label
    assert found.threshold == pytest.approx(expected.threshold, rel=1e-6)
    np.testing.assert_allclose(heat, own, rtol=1e-2, atol=1e-3)
    return model


@pytest.mark.parametrize("target", NEEDS)
def test_an_export_is_served_as_its_run_is(service, log, served_run, tmp_path, target):
    missing = [name for name in NEEDS[target] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: the extra {target}")
    folder = tmp_path / f"parts-{target}"
    done = call("export", served_run, "--to", target, "-o", folder)
    assert done.exit_code == 0, words(done)
    model = assert_decides_alike(service, log, served_run, Origin(folder))
    assert model.detector.differentiable is False
    assert set(model.references) >= {"score"}


@pytest.fixture(scope="module")
def bundle(served_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundles") / "lids.hsb"
    write_bundle(open_detector_run(served_run), path, BundleOptions(references=0))
    return path


def test_a_bundle_is_served_under_its_name_without_the_suffix(service, log, served_run, bundle):
    model = assert_decides_alike(service, log, served_run, Origin(bundle))
    assert model.name == "lids"
    assert model.hash == service.models.get("parts").hash


def test_a_service_that_was_told_so_refuses_what_is_not_signed(
    service, client, served_run, bundle, tmp_path, monkeypatch
):
    pytest.importorskip("cryptography", reason="needs the extra sign")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PrivateKey.generate().public_key()
    key = tmp_path / "public.pem"
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    monkeypatch.setenv(KEY, str(key))
    with pytest.raises(BundleError, match="it is not signed"):
        Models(service.log, [Origin(bundle)], "cpu")
    unsigned = served_run.with_name("unsigned.hsb")
    unsigned.write_bytes(bundle.read_bytes())
    refused = client.put("/v1/models/parts", json={"run": str(unsigned)})
    unsigned.unlink()
    assert refused.status_code == 422
    assert "it is not signed" in refused.json()["detail"]
    assert client.get("/v1/models").json()[0]["name"] == "parts", "what was served still is"
