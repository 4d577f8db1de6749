"""The models that are served: run folders and exports, each under a name."""

from hardsight.serve.models.registry import ModelError, Models, UnknownModelError
from hardsight.serve.models.served import Origin, ServedModel

__all__ = ["ModelError", "Models", "Origin", "ServedModel", "UnknownModelError"]
