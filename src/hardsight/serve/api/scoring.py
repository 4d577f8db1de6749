"""``/v1/models/{name}``: what is served, its decisions, and loading and unloading."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from hardsight.serve.api.bodies import IMAGES
from hardsight.serve.api.deciding import decisions, decoded
from hardsight.serve.api.images import encoded, uploads
from hardsight.serve.api.problems import Problem
from hardsight.serve.api.shapes import Decisions, LoadRequest, ModelShown
from hardsight.serve.service import Service


def model_routes(service: Service) -> APIRouter:
    """Return the routes of models."""
    routes = APIRouter(prefix="/v1/models", tags=["models"])
    most = service.limits.images

    @routes.get("")
    def list_models() -> list[ModelShown]:
        """List what is served."""
        return [ModelShown.of(model) for model in service.models]

    @routes.get("/{name}")
    def show_model(name: str) -> ModelShown:
        """Show a model with its threshold, and the normal scores that this was set on."""
        return ModelShown.of(service.models.get(name))

    @routes.put("/{name}")
    def load_model(name: str, asked: LoadRequest) -> ModelShown:
        """Load a run beside what is served, and put it in the place of its name without a gap."""
        return ModelShown.of(service.models.load(name, asked.run, asked.beside))

    @routes.delete("/{name}", status_code=204)
    def unload_model(name: str) -> None:
        """Serve a model no longer; what it accepted is finished."""
        service.models.remove(name)

    @routes.post("/{name}/score", openapi_extra=IMAGES, tags=["decisions"])
    async def score(
        name: str,
        request: Request,
        source: Annotated[
            str, Query(max_length=200, description="Where the images come from, for the log.")
        ] = "",
        heat_map: Annotated[bool, Query(description="Send a PNG of the anomaly map too.")] = False,
    ) -> Decisions:
        """Decide images; the answer comes when the decisions are in the log on disk.

        `curl -F images=@part.png http://127.0.0.1:8000/v1/models/parts/score`
        """
        model = service.models.get(name)
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media == "multipart/form-data":
            images = await uploads(request, source, most)
        elif media == "application/json":
            body = await request.body()
            images, drawn = await decoded(service, lambda: encoded(body, source, most))
            heat_map = heat_map or drawn
        else:
            raise Problem(
                415, f"media type {media!r}: send images as multipart/form-data or application/json"
            )
        return await decisions(service, model, images, heat_map)

    return routes
