"""Where a number comes from: versions, commit, device, data and detector."""

import hashlib
import inspect
import json
import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn

from hardsight.core.capabilities import named, settings_of
from hardsight.core.machine import instruction_sets
from hardsight.core.precision import Choice, resolve
from hardsight.data import AnomalyData, Manifest
from hardsight.detectors import Detector


def fingerprint(model: object) -> str:
    """Return a hash of the weights and the settings that decide what a model says.

    A model that knows no settings is told from others by the name of its class, a function by its
    own. What was just fitted and what was loaded again have the same, in whatever order their
    settings were written.
    """
    settings = settings_of(model)
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    if not settings:
        called = model if inspect.isroutine(model) else type(model)
        digest.update(called.__qualname__.encode())
    weights = model.state_dict() if isinstance(model, nn.Module) else {}
    for name, value in sorted(weights.items()):
        digest.update(name.encode() + b"".join(_bytes_of(value)))
    return digest.hexdigest()[:16]


def _bytes_of(value: object) -> Iterator[bytes]:
    """Yield the bytes of what a state dict holds: a tensor or, packed by quantisation, several."""
    if isinstance(value, Tensor):
        whole = value.detach().dequantize() if value.is_quantized else value.detach()
        yield whole.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _bytes_of(part)
    else:
        yield str(value).encode()


def commit() -> str:
    """Return the commit hardsight runs from, marked if files changed since; "release" if none."""
    here = Path(__file__)

    def git(*arguments: str) -> str:
        found = subprocess.run(
            ["git", *arguments],
            cwd=here.parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        return found.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", here.name)  # not some other project's repository
        return git("describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.SubprocessError):
        return "release"


def device_name(device: torch.device) -> str:
    """Return the device in words, of a CPU its instruction sets and the threads it may use."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    sets = ", ".join(instruction_sets())
    n = torch.get_num_threads()
    return f"{platform.machine()} CPU ({sets}), {n} thread{'s' if n > 1 else ''}"


def made_with(device: torch.device, seed: int) -> dict[str, str]:
    """Return what any result owes to: the seed, the versions and the device."""
    return {
        "seed": str(seed),
        "hardsight": f"{version('hardsight')}, commit {commit()}",
        "torch": version("torch"),
        "device": device_name(device),
    }


def computed_in(model: object, device: torch.device) -> dict[str, str]:
    """Return the precision in which a model computes on a device, where its settings name one."""
    choice: Any = settings_of(model).get("precision")
    if choice not in get_args(Choice):
        return {}
    taken = resolve(choice, device)
    return {"precision": f"{taken.name}: {taken.why}"}


def digest_of(data: AnomalyData) -> str:
    """Return the hash of a data set's manifest, with how its files are decoded if not as usual."""
    how = data.test.decoding
    grey = [] if how.bits is None else [f"grey of {how.bits} bits"]
    shape = [] if how.aspect == "stretch" else [f"aspect {how.aspect}"]
    return ", ".join([Manifest.of(data).sha256, *grey, *shape])


def describe(detector: Detector, data: AnomalyData, manifest: str, seed: int) -> dict[str, str]:
    """Return what a table must say about its origin, ready to show."""
    labels = data.test.labels
    return (
        {"detector": named(detector)}
        | computed_in(detector, detector.device)
        | {
            "weights": fingerprint(detector),
            "data": f"{data.name}: {len(data.train)} training, {len(data.validation)} validation, "
            f"{int((~labels).sum())} normal and {int(labels.sum())} anomalous test images",
            "split (SHA-256)": manifest,
        }
        | made_with(detector.device, seed)
    )
