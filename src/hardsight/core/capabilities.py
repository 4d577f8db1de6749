"""What a model may offer besides being called: small protocols, of one method or attribute each."""

import inspect
from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard, runtime_checkable

import torch
from torch import Tensor

from hardsight.core.words import in_words


@runtime_checkable
class Random(Protocol):
    """Is called with (images, noise)."""

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw all the randomness of one forward pass; None: there is none."""
        ...


@runtime_checkable
class Averaging(Protocol):
    """Averages several noise draws in one output."""

    draws: int


@runtime_checkable
class Described(Protocol):
    """Says what decides its outputs, besides its weights."""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings, for the record."""
        ...


@runtime_checkable
class Titled(Protocol):
    """Has a name for readers that is not its class's."""

    @property
    def title(self) -> str:
        """The name, in the words of the field."""
        ...


@runtime_checkable
class Bypassable(Protocol):
    """Names a part that a BPDA may go round, and what it does instead; None: none."""

    bypass: tuple[str, Any] | None


@runtime_checkable
class Approximated(Protocol):
    """Offers models that an attacker may follow in its place, cheaper or smoother than itself."""

    def surrogates(self) -> Mapping[str, Any]:
        """Return name -> surrogate model, of the same images and the same outputs."""
        ...


@runtime_checkable
class Reconstructing(Protocol):
    """Compares an image with a reconstruction of it."""

    def reconstruct(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return every draw (B, draws, C, H, W) of images (B, C, H, W)."""
        ...


@runtime_checkable
class Purifying(Protocol):
    """Purifies an image before it looks at it."""

    def purify(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return every draw (B, draws, C, H, W) of images (B, C, H, W)."""
        ...


@runtime_checkable
class PurifyingClassifier(Purifying, Protocol):
    """Purifies an image, and classifies what came of it."""

    def answer(self, purified: Tensor) -> Tensor:
        """Return logits (B, K) of purifications (B, draws, C, H, W)."""
        ...


@runtime_checkable
class Scoring(Protocol):
    """Scores images without the map that it need not make for that."""

    def score_only(self, images: Tensor, noise: Tensor | None = None) -> Any:
        """Return a Detection of images (B, C, H, W) whose score alone counts."""
        ...


def draws_noise(model: object) -> TypeGuard[Random]:
    """Return whether a model is called with noise; a compiled module passes its attributes on."""
    return hasattr(model, "sample_noise")


def sample_noise(model: object, images: Tensor, generator: torch.Generator | None) -> Tensor | None:
    """Return the noise of one forward pass of a model; None where it draws none."""
    return model.sample_noise(images, generator) if draws_noise(model) else None


def averaged_draws(model: object) -> int:
    """Return the noise draws that a model averages in one output."""
    return int(model.draws) if isinstance(model, Averaging) else 1


def bypass_of(model: object) -> tuple[str, Any] | None:
    """Return the part (name, surrogate) that a BPDA may go round; None where a model names none."""
    return model.bypass if isinstance(model, Bypassable) else None


def surrogates_of(model: object) -> Mapping[str, Any]:
    """Return name -> surrogate model of a model; empty where it offers none."""
    return model.surrogates() if isinstance(model, Approximated) else {}


def settings_of(model: object) -> dict[str, Any]:
    """Return what decides a model's outputs besides its weights; empty where nothing is known."""
    return model.settings if isinstance(model, Described) else {}


def title_of(thing: object) -> str:
    """Return the name of a model or of an attack for readers: its own, else its class's.

    Examples:
        >>> title_of(len), title_of(lambda images: 0), title_of(object())
        ('len', 'lambda', 'object')
    """
    if isinstance(thing, Titled):
        return thing.title
    if inspect.isroutine(thing):
        return thing.__qualname__.rpartition("<locals>.")[2].strip("<>")
    return type(thing).__name__


def named(model: object) -> str:
    """Return a model's class and settings in words.

    Examples:
        >>> named(object())
        'object'
    """
    settings = in_words(settings_of(model))
    return f"{type(model).__name__}{f': {settings}' if settings else ''}"
