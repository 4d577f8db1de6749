"""The certification of a classifier on labelled images."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hardsight.attacks.objectives.draws import Model, evaluate_draws
from hardsight.certify import certify_vote, count_votes, per_image_alpha
from hardsight.core.capabilities import named, title_of
from hardsight.core.modules import in_mode
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.certified.plan import Terms, Voting
from hardsight.evaluation.certified.results import ClassCertification
from hardsight.evaluation.certified.sampled import Sampling
from hardsight.evaluation.plan import Execution, Record
from hardsight.evaluation.provenance import fingerprint, made_with

VOTING, EXECUTION, RECORD = Voting(), Execution(), Record()


def certify_classifier(
    classifier: Model,
    images: Tensor,
    labels: Tensor,
    terms: Terms,
    *,
    voting: Voting = VOTING,
    classes: tuple[str, ...] = (),
    execution: Execution = EXECUTION,
    record: Record = RECORD,
) -> ClassCertification:
    """Certify the majority vote of a classifier over noisy copies (Cohen et al., 2019).

    Args:
        classifier: images (B, C, H, W), *not* confined to [0, 1], -> logits (B, K); with a
            method ``sample_noise(images, generator)`` it is called with (images, noise). A module
            votes in eval mode, and is left as it was.
        images: (N, C, H, W) uint8, or float in [0, 1].
        labels: (N,) true classes.
        terms: what is certified; of a vote there is no other quantile than the median.
        voting: how the vote is sampled.
        classes: their names.
        execution: where finished images are kept; modules are told apart by their weights,
            functions are not. Every class has its part in what is done when time runs out.
        record: what the report says besides.

    Raises:
        ValueError: another number of labels than of images, none of either, or a bad parameter.
    """
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"need a label for each image, got {len(labels)} for {len(images)} images")
    modules = [classifier] if isinstance(classifier, nn.Module) else []
    device = next((w.device for m in modules for w in m.parameters()), images.device)
    each = per_image_alpha(terms.alpha, len(images)) if voting.joint else terms.alpha
    vote = _Vote(classifier, terms, each, voting)
    true = labels.cpu().long().numpy()
    facts = (
        fingerprint(classifier),
        terms.sigma,
        terms.n,
        each,
        voting.selection,
        voting.batch_size,
    )
    sampling = Sampling.of(device, voting.seed, execution)
    with in_mode("eval", *modules):
        found = sampling.spread(images, true, vote, f"classify/{terms.sigma}", "certify", *facts)
    done = len(found.parts)
    if done == 0:
        raise ValueError(
            f"time ran out before the first image; raise max_minutes={execution.max_minutes}"
        )
    late = [f"Time ran out: {done} of {len(images)} images were certified."]
    return ClassCertification(
        title=record.title or title_of(classifier),
        terms=terms,
        joint=voting.joint,
        index=found.places,
        labels=true[found.places],
        predicted=found.column("label"),
        radii=found.column("radius"),
        values=images[0].numel(),
        seconds_per_image=found.seconds_per_image,
        classes=classes,
        provenance={
            **record.provenance,
            "model": named(classifier),
            "weights": fingerprint(classifier),
            **made_with(device, voting.seed),
        },
        notes=tuple(late * (done < len(images))),
    )


@dataclass(frozen=True)
class _Vote:
    """What is made of the noisy copies of an image."""

    classifier: Model
    terms: Terms
    alpha: float
    voting: Voting

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensors:
        sigma, size = self.terms.sigma, self.voting.batch_size
        proposing, judging = (
            count_votes(self._score, image, n, sigma, generator, size)
            for n in (self.voting.selection, self.terms.n)
        )
        made = certify_vote(proposing, judging, sigma, self.alpha)
        radius = torch.tensor(made.radius, dtype=torch.float64)
        return {"label": torch.tensor(made.label), "radius": radius}

    def _score(self, x: Tensor, generator: torch.Generator, /) -> Tensor:
        found: Tensor = evaluate_draws(self.classifier, x, 1, generator)
        return found
