"""Tensors of the open inference protocol, in JSON and in its binary extension."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError
from torch import Tensor

from hardsight.core.validation import first_problem
from hardsight.serve.api.problems import Problem
from hardsight.serve.scoring import Answer

TYPES: Mapping[str, str] = {"FP32": "<f4", "FP64": "<f8", "UINT8": "u1", "BOOL": "?"}
LENGTH = re.compile("[0-9]{1,12}")
Array = NDArray[Any]


class TensorIn(BaseModel):
    """A tensor that comes in; without ``data`` it lies behind the JSON."""

    name: str
    shape: Annotated[list[Annotated[int, Field(ge=0, le=2**31)]], Field(max_length=8)]
    datatype: Literal["FP32", "FP64", "UINT8", "BYTES"]
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


class TensorAsked(BaseModel):
    """An output that is wanted."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(BaseModel):
    """The JSON of a request."""

    id: str = ""
    parameters: dict[str, Any] = {}
    inputs: Annotated[list[TensorIn], Field(min_length=1, max_length=1)]
    outputs: list[TensorAsked] = []


def unpacked(body: bytes, header_length: str | None) -> tuple[InferRequest, bytes]:
    """Split a body into its JSON and the bytes behind it.

    Raises:
        Problem: a wrong length, or no such JSON.
    """
    length = len(body)
    if header_length is not None:
        if not LENGTH.fullmatch(header_length) or int(header_length) > len(body):
            raise Problem(400, f"a JSON header of {header_length} in a body of {len(body)} bytes")
        length = int(header_length)
    try:
        return InferRequest.model_validate_json(body[:length]), body[length:]
    except ValidationError as error:
        raise Problem(400, first_problem(error)) from error


def images_of(
    asked: InferRequest, binary: bytes, size: tuple[int, int], most: int
) -> Tensor | list[bytes]:
    """Return images (B, 3, H, W), or the bytes of B image files where the type is BYTES.

    Args:
        asked: with one input.
        binary: what lay behind the JSON.
        size: (height, width) of the model.
        most: images that are taken.

    Raises:
        Problem: another shape, or data that do not fill it.
    """
    given = asked.inputs[0]
    if not given.shape or not 1 <= given.shape[0] <= most:
        raise Problem(400, f"input {given.name!r} has shape {given.shape}; 1 to {most} images go")
    if given.datatype == "BYTES":
        return _files(given, binary)
    wanted = [given.shape[0], 3, *size]
    if given.shape != wanted:
        raise Problem(400, f"input {given.name!r} has shape {given.shape}; it must be {wanted}")
    kind = np.dtype(TYPES[given.datatype])
    count = int(np.prod(wanted))
    if given.data is None:
        if len(binary) != count * kind.itemsize:
            needed = f"shape and type need {count * kind.itemsize}"
            raise Problem(400, f"{len(binary)} bytes behind the JSON; {needed}")
        values = np.frombuffer(binary, kind)
    else:
        values = _numbers(given.data, kind)
        if values.size != count:
            raise Problem(400, f"{values.size} values; the shape {wanted} needs {count}")
    scale = 255 if given.datatype == "UINT8" else 1
    return torch.from_numpy(values.astype(np.float32) / np.float32(scale)).reshape(wanted)


def outputs_of(answers: Sequence[Answer]) -> dict[str, Array]:
    """Return the outputs of a model's answers, by name."""
    decisions = [answer.decision for answer in answers]
    return {
        "pred_score": np.array([d.score for d in decisions], "<f8"),
        "p_value": np.array([d.p_value for d in decisions], "<f8"),
        "pred_label": np.array([d.label for d in decisions], "?"),
        "threshold": np.array([d.threshold for d in decisions], "<f8"),
        "anomaly_map": torch.stack([a.anomaly_map for a in answers])[:, None].numpy().astype("<f4"),
    }


def packed(
    asked: InferRequest, model: str, outputs: Mapping[str, Array]
) -> tuple[bytes, int | None]:
    """Return a body, and the length of its JSON where tensors lie behind that.

    Without a word all outputs but the map are sent.

    Raises:
        Problem: an output that there is not.
    """
    wanted = asked.outputs or [TensorAsked(name=n) for n in outputs if n != "anomaly_map"]
    everything = bool(asked.parameters.get("binary_data_output", False))
    described: list[dict[str, Any]] = []
    behind: list[bytes] = []
    for each in wanted:
        if each.name not in outputs:
            raise Problem(400, f"no output {each.name!r}; there are: {', '.join(outputs)}")
        array = outputs[each.name]
        names = {v: k for k, v in TYPES.items()}
        kind = names[array.dtype.str if array.dtype.kind == "f" else "?"]
        told = {"name": each.name, "datatype": kind, "shape": list(array.shape)}
        if each.parameters.get("binary_data", everything):
            behind.append(array.tobytes())
            described.append(told | {"parameters": {"binary_data_size": len(behind[-1])}})
        else:
            described.append(told | {"data": array.ravel().tolist()})
    answer = {"model_name": model, "model_version": "1", "outputs": described}
    head = json.dumps(answer | ({"id": asked.id} if asked.id else {})).encode()
    return head + b"".join(behind), len(head) if behind else None


def _numbers(data: list[Any], kind: np.dtype[Any]) -> Array:
    """Return JSON's numbers, flat or nested, as an array of a type."""
    try:
        found = np.asarray(data)
    except ValueError as error:
        raise Problem(400, f"data is ragged ({error})") from error
    if found.dtype.kind not in "iuf":
        raise Problem(400, f"data must hold numbers, got {found.dtype}")
    if kind.kind == "u" and not ((found >= 0) & (found <= 255)).all():
        raise Problem(400, "data of UINT8 must be in [0, 255]")
    return found.astype(kind).ravel()


def _files(given: TensorIn, binary: bytes) -> list[bytes]:
    """Return image files: in base64 in the JSON, or behind it, each after its length."""
    if given.data is not None:
        try:
            found = [base64.b64decode(str(each), validate=True) for each in given.data]
        except (binascii.Error, ValueError) as error:
            raise Problem(400, f"data of BYTES must be files in base64 ({error})") from error
    else:
        found, place = [], 0
        while place < len(binary):
            length = int.from_bytes(binary[place : place + 4], "little")
            found.append(binary[place + 4 : place + 4 + length])
            place += 4 + length
    if [len(found)] != given.shape:
        raise Problem(400, f"{len(found)} files; the shape is {given.shape}")
    return found
