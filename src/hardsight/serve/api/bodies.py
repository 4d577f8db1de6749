"""Bodies that routes read themselves, as the OpenAPI document describes them."""

from typing import Any

from pydantic import BaseModel

from hardsight.serve.api.shapes import ScoreRequest
from hardsight.serve.api.tensors import InferRequest


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's JSON schema without references, which could not be resolved there."""
    schema = model.model_json_schema()
    known = schema.pop("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return resolved(known[node["$ref"].rpartition("/")[2]])
        return {key: resolved(value) for key, value in node.items()}

    found: dict[str, Any] = resolved(schema)
    return found


def _body(**content: dict[str, Any]) -> dict[str, Any]:
    media = {"form": "multipart/form-data", "json": "application/json"}
    shown = {media[name]: {"schema": schema} for name, schema in content.items()}
    return {"requestBody": {"required": True, "content": shown}}


def _form(most: int | None) -> dict[str, Any]:
    files = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
    if most is not None:
        files["maxItems"] = most
    return {"type": "object", "properties": {"images": files}, "required": ["images"]}


IMAGES = _body(form=_form(None), json=inlined(ScoreRequest))
"""Images as files of a form, or in JSON."""
IMAGE = _body(form=_form(1))
"""One image as the file of a form."""
TENSORS = _body(json=inlined(InferRequest))
"""A request of the open inference protocol."""
