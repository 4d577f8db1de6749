"""Take the demo's smallest form through a wheel in an empty environment.

python release/try_wheel.py dist/hardsight-0.1.0-py3-none-any.whl core onnx serve
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environment import Environment, clean, install

LIGHT = ("faiss", "gradcam", "nifti", "sign", "line", "opcua")
"""Extras that are small and need no device: installed together and imported."""
MODULES = "faiss, captum, nibabel, cryptography, paho.mqtt.client, pymodbus, asyncua"
"""What they bring."""
PATIENCE = 120
"""Seconds within which a service listens, and those within which it ends."""


def core(made: Environment) -> Path:
    """Fit a detector on an embedded photograph, score its test images, and return the run."""
    made.run("hardsight", "data", "textures", "--write", "--size", 64)
    run, parts = made.work / "run", made.work / "textures/brick"
    small = ("--set", "detector.image_size=64")
    made.run("hardsight", "fit", "patchcore", "--data", parts, "--run", run, *small)
    made.run("hardsight", "score", run, parts / "test", "--output", "scores.csv")
    found = scores(made.work / "scores.csv")
    if len(found) != len([*(parts / "test").rglob("*.png")]):
        raise RuntimeError(f"{len(found)} scores, not one for each test image")
    return run


def onnx(made: Environment) -> None:
    """Export the detector to ONNX, and score as it does."""
    run = core(made)
    made.run("hardsight", "export", run, "--to", "onnx")
    images, kept = made.work / "textures/brick/test", ("--output", "exported.csv")
    made.run("hardsight", "score", run / "exported", images, *kept)
    torch, exported = scores(made.work / "scores.csv"), scores(made.work / "exported.csv")
    apart = max(abs(torch[path] - score) for path, score in exported.items())
    if torch.keys() != exported.keys() or apart > 0.01 * max(torch.values()):
        raise RuntimeError(f"the scores of the export are {apart} from the detector's")


def serve(made: Environment) -> None:
    """Serve the detector, ask whether it lives, have an image scored, and stop it."""
    run = core(made)
    image = next((made.work / "textures/brick/test").rglob("*.png"))
    head = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n\r\n'
    with serving(made, run) as address:
        asked = urllib.request.Request(
            f"{address}v1/models/{run.name}/score",
            head + image.read_bytes() + b"\r\n--x--\r\n",
            {"Content-Type": "multipart/form-data; boundary=x"},
        )
        if (alive := fetch(f"{address}healthz")) != "ok":
            raise RuntimeError(f"/healthz answers {alive}")
        if not re.search(r'"score":\s*\d', found := fetch(asked)):
            raise RuntimeError(f"the answer holds no score: {found}")


def light(made: Environment) -> None:
    """Import hardsight and the packages of the light extras."""
    told = "json.dumps({e.name: e.missing for e in extras()})"
    imports = "import hardsight, json; from hardsight.core.installed import extras"
    missing = json.loads(made.run("python", "-c", f"{imports}; print({told})"))
    if lacking := {name: missing[name] for name in LIGHT if missing[name]}:
        raise RuntimeError(f"not installed by their extras: {lacking}")
    made.run("python", "-c", f"import {MODULES}")


FORMS = {
    "core": (core, ()),
    "onnx": (onnx, ("onnx",)),
    "serve": (serve, ("serve",)),
    "light": (light, LIGHT),
}
"""Name -> what is done in the environment, and the extras that are installed into it."""


def attempt(wheel: Path, name: str) -> str:
    """Try a wheel in one form, and return how long that took.

    Raises:
        UnreachableError: the registry does not answer.
        RuntimeError: something of it failed; with what it said.
    """
    form, extras = FORMS[name]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        made = install(wheel, Path(folder), extras)
        installed = time.monotonic()
        form(made)
    ran = time.monotonic() - installed
    return f"{name}: installed in {installed - begun:.0f} s, ran in {ran:.0f} s"


@contextmanager
def serving(made: Environment, run: Path) -> Iterator[str]:
    """Yield the address of a service of a run, and end it as an operator does.

    Raises:
        RuntimeError: it did not listen, or did not end well; with what it said.
    """
    said = made.work / "served.txt"
    words = made.command("hardsight", "serve", run, "--port", 0)
    with said.open("w") as log:
        process = subprocess.Popen(words, cwd=made.work, env=clean(), stdout=log, stderr=log)
        try:
            yield address_of(process, said)
        finally:
            process.terminate()
            code = process.wait(PATIENCE)
    if code:
        raise RuntimeError(f"the service ended with {code}: {said.read_text()}")


def address_of(process: subprocess.Popen[bytes], said: Path) -> str:
    """Return the address that a service printed, once it has."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        if found := re.search(r"http://\S+/", said.read_text()):
            return found.group()
        time.sleep(0.2)
    raise RuntimeError(f"the service does not listen: {said.read_text()}")


def fetch(asked: str | urllib.request.Request) -> str:
    """Return what an address of this machine answers."""
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.read().decode()


def scores(path: Path) -> dict[str, float]:
    """Return image -> score of a table that ``hardsight score`` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["path"]: float(row["score"]) for row in csv.DictReader(file)}


if __name__ == "__main__":
    for name in sys.argv[2:] or FORMS:
        print(attempt(Path(sys.argv[1]), name), flush=True)
