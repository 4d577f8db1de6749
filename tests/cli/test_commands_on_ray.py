"""Each command finds on a Ray cluster what one process finds, to the bit."""

import json

import pytest
import torch
import yaml
from safetensors.torch import load_file
from test_benchmark_command import PLAN
from typed import call, words

from hardsight.benchmark import entries
from tiny_parts import write_parts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    """Begin a cluster of two CPUs, and yield the options that join it."""
    pytest.importorskip("ray", reason="the extra ray is not installed")
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as each of two actors has
    yield "--engine", "ray", "--address", found.address
    torch.set_num_threads(threads)
    found.shutdown()


@pytest.fixture
def both(cluster, tmp_path):
    """Carry out a command here and on the cluster, and return where each wrote."""

    def carry_out(*command, output="-o", suffix=""):
        for place, options in (("here", ()), ("ray", cluster)):
            done = call(*command, output, tmp_path / (place + suffix), *options)
            assert done.exit_code == 0, words(done)
        return tuple(tmp_path / (place + suffix) for place in ("here", "ray"))

    return carry_out


def batches(folder):
    """Return what a measurement kept, without how long it took."""
    found = {path.relative_to(folder): load_file(path) for path in folder.rglob("*.safetensors")}
    assert found
    for tensors in found.values():
        tensors.pop("seconds", None)
    return found


def agree(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(tensor, other[name][key])
        for name, tensors in one.items()
        for key, tensor in tensors.items()
    )


def test_score(run, parts, both, tmp_path):
    (tmp_path / "list.txt").write_text("\n".join(map(str, (parts / "test").rglob("*.png"))))
    here, ray = both("score", run, tmp_path / "list.txt", "--seed", 3, "--batch-size", 3,
                     suffix=".csv")  # fmt: skip
    assert here.read_bytes() == ray.read_bytes()


def test_an_export(run, parts, both):
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module, reason="the extra onnx is not installed")
    assert call("export", run, "--to", "onnx").exit_code == 0
    here, ray = both("score", run / "exported", parts / "test", suffix=".csv")
    assert here.read_bytes() == ray.read_bytes()
    here, ray = both("evaluate", run / "exported", "--suite", "square", "--limit", 4,
                     "--curve", "", "--gallery", 0, "--batch-size", 2)  # fmt: skip
    assert agree(batches(here), batches(ray))


def test_evaluate(run, both):
    here, ray = both("evaluate", run, "--suite", "eot-pgd", "--limit", 4, "--steps", 2, "--curve",
                     "", "--gallery", 0, "--batch-size", 2)  # fmt: skip
    assert agree(batches(here), batches(ray))
    one, other = (json.loads((place / "report.json").read_text())["rows"] for place in (here, ray))
    assert [row["mean"] for row in one] == [row["mean"] for row in other]


def test_certify(run, both):
    here, ray = both("certify", run, "--n", 20, "--alpha", 0.1, "--limit", 4, "--radii", "0,0.05",
                     "--pixels", 0)  # fmt: skip
    assert agree(batches(here), batches(ray))


def test_benchmark(parts, both, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump(PLAN | {"seeds": [0, 1]}), encoding="utf-8")
    here, ray = (
        {path.relative_to(place): entry.result() for path, entry in entries(place).items()}
        for place in both("benchmark", plan, "--data", parts.parent)
    )
    assert len(here) == 2
    assert here == ray


def test_fit(tiny_preset, both, tmp_path):
    for seed, name in enumerate(("nuts", "bolts")):
        write_parts(tmp_path / "set" / name, seed)
    here, ray = both("fit", tiny_preset, "--data", tmp_path / "set", "--each", output="--run")
    for name in ("nuts", "bolts"):
        for file in ("model.safetensors", "calibration.json", "config.yaml", "selection.json"):
            assert (here / name / file).read_bytes() == (ray / name / file).read_bytes()
