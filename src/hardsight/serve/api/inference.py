"""``/v2``: the open inference protocol (KServe V2), for clients of Triton, KServe and OpenVINO."""

import hashlib
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request, Response

from hardsight.serve.api.bodies import TENSORS
from hardsight.serve.api.deciding import answers_to, decoded
from hardsight.serve.api.images import clean
from hardsight.serve.api.problems import Problem
from hardsight.serve.api.tensors import InferRequest, images_of, outputs_of, packed, unpacked
from hardsight.serve.models import ServedModel
from hardsight.serve.models.served import Arrival
from hardsight.serve.scoring import Job
from hardsight.serve.service import Service

LENGTH = "Inference-Header-Content-Length"


def inference_routes(service: Service) -> APIRouter:
    """Return the routes of the open inference protocol."""
    routes = APIRouter(prefix="/v2", tags=["open inference protocol"])

    @routes.get("")
    def server() -> dict[str, Any]:
        """Name the server."""
        return {
            "name": "hardsight",
            "version": version("hardsight"),
            "extensions": ["binary_tensor_data"],
        }

    @routes.get("/health/live")
    def live() -> dict[str, bool]:
        """Tell whether the server lives."""
        return {"live": service.scorer.alive}

    @routes.get("/health/ready")
    def ready() -> dict[str, bool]:
        """Tell whether every model can be asked."""
        if not service.ready:
            raise Problem(503, "no model is served")
        return {"ready": True}

    @routes.get("/models/{name}")
    @routes.get("/models/{name}/versions/{_version}")
    def model(name: str, _version: str = "1") -> dict[str, Any]:
        """Describe a model's tensors."""
        return described(service.models.get(name))

    @routes.get("/models/{name}/ready")
    @routes.get("/models/{name}/versions/{_version}/ready")
    def model_ready(name: str, _version: str = "1") -> dict[str, Any]:
        """Tell whether a model can be asked."""
        return {"name": service.models.get(name).name, "ready": True}

    @routes.post("/models/{name}/infer", openapi_extra=TENSORS)
    @routes.post("/models/{name}/versions/{_version}/infer", openapi_extra=TENSORS)
    async def infer(name: str, request: Request, _version: str = "1") -> Response:
        """Decide a tensor of images; the decisions are in the log as any others."""
        served, body = service.models.get(name), await request.body()
        length = request.headers.get(LENGTH)
        asked, binary = await decoded(service, lambda: unpacked(body, length))
        jobs = await decoded(service, lambda: _jobs(service, served, asked, binary))
        answers = await answers_to(service, jobs)
        content, header = await decoded(
            service, lambda: packed(asked, served.name, outputs_of(answers))
        )
        if header is None:
            return Response(content, media_type="application/json")
        return Response(
            content, media_type="application/octet-stream", headers={LENGTH: str(header)}
        )

    return routes


def described(model: ServedModel) -> dict[str, Any]:
    """Return a model's metadata."""
    height, width = model.detector.size
    return {
        "name": model.name,
        "versions": ["1"],
        "platform": "hardsight",
        "inputs": [{"name": "images", "datatype": "FP32", "shape": [-1, 3, height, width]}],
        "outputs": [
            {"name": "pred_score", "datatype": "FP64", "shape": [-1]},
            {"name": "p_value", "datatype": "FP64", "shape": [-1]},
            {"name": "pred_label", "datatype": "BOOL", "shape": [-1]},
            {"name": "threshold", "datatype": "FP64", "shape": [-1]},
            {"name": "anomaly_map", "datatype": "FP32", "shape": [-1, 1, height, width]},
        ],
    }


def _jobs(service: Service, model: ServedModel, asked: InferRequest, binary: bytes) -> list[Job]:
    """Return the jobs of a request's images: a tensor, or the bytes of image files."""
    source = clean(str(asked.parameters.get("source", "") or asked.id or "v2"))
    most = service.limits.images
    found = images_of(asked, binary, model.detector.size, most)
    if isinstance(found, list):
        return [service.job(model, data, source) for data in found]
    try:
        images = model.detector.check(found)
    except (TypeError, ValueError) as error:
        raise Problem(400, str(error)) from error
    return [
        Job(model, image, Arrival(source, hashlib.sha256(image.numpy().tobytes()).hexdigest()))
        for image in images
    ]
