"""From normal images to a coreset of their patches."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

import torch
from pydantic import Field
from torch import Generator, Tensor

from hardsight.core.batches import batched
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Fitted, OpenWork, Work
from hardsight.detectors.memory_bank.bank import Bank
from hardsight.detectors.memory_bank.coreset import CORESET, greedy_coreset
from hardsight.detectors.memory_bank.fitting import (
    BankFit,
    PatchEmbedder,
    embedded,
    fit_on_features,
)
from hardsight.detectors.memory_bank.inverted_lists import demanded_faiss
from hardsight.detectors.memory_bank.search_difference import (
    SearchDifference,
    search_difference,
)

COMPARED = 8
"""Held-out images on whose patches an approximate search is compared with the exact one."""


class CoresetFit(BankFit):
    """Configure the fit of PatchCore."""

    candidates: int = Field(40_000, ge=1)
    """Patches that the coreset is chosen among, drawn evenly from all training images."""
    projection: int | None = Field(32, ge=1)
    """Random directions in which it is chosen, see ``greedy_coreset``; None: all dimensions."""

    @property
    def stages(self) -> Mapping[str, float | None]:
        """The features of the training images, then the choice among them."""
        return {**super().stages, CORESET: None}


class CoresetDetector(PatchEmbedder, Protocol):
    """A PatchCore, by what its fit needs of it."""

    bank: Bank


R = TypeVar("R", bound=CoresetDetector)


def fit_patchcore(detector: R, data: AnomalyData, config: CoresetFit, work: Work) -> Fitted[R]:
    """Fill the bank with a coreset of normal patches (PatchCore, algorithm 1), and calibrate.

    Only ``data.train`` and ``data.validation`` are used. See ``fit_on_features``.
    """

    def learn(found: R, normals: Tensor, place: OpenWork) -> None:
        generator = Generator().manual_seed(config.training.seed)
        each = math.ceil(config.candidates / len(normals))
        parts = drawn(embedded(found, normals, place.progress), each, generator)
        candidates = torch.cat(list(parts))
        kept = greedy_coreset(
            candidates, len(found.bank), generator, config.projection, place.progress
        )
        found.bank.fill(candidates[kept])

    if detector.bank.search == "faiss":
        demanded_faiss()
    fitted = fit_on_features(detector, data, config, work, learn)
    if fitted.detector.bank.search == "exact":
        return fitted
    return replace(fitted, report=approximation(fitted.detector, data.validation.images()))


@torch.no_grad()
def approximation(detector: CoresetDetector, normals: Tensor) -> SearchDifference:
    """Compare the search of a fitted PatchCore with the exact one, on held-out normal images."""
    shown = normals[:COMPARED]
    patches = torch.cat([detector.embed(detector.prepare(x)) for x in batched(shown, 8)])
    return search_difference(detector.bank, patches.flatten(0, 1))


def drawn(batches: Iterator[Tensor], each: int, generator: Generator) -> Iterator[Tensor]:
    """Yield ``each`` of the vectors of every image, or all, of batches (b, P, D) as (n, D)."""
    for batch in batches:
        order = torch.rand(batch.shape[:2], generator=generator).argsort(1)[:, :each]
        index = order.to(batch.device)[..., None].expand(-1, -1, batch.shape[2])
        yield batch.gather(1, index).flatten(0, 1)
