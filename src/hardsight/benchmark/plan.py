"""A plan of a benchmark: methods x data x threats x seeds, and how each is measured."""

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from hardsight.attacks import BALLS, parse_radius
from hardsight.audit.budgets import BUDGETS
from hardsight.benchmark.job import DataAsked, Job, MethodAsked, check_slug, slug
from hardsight.config.config import STRICT
from hardsight.core.presets import ConfigError
from hardsight.core.suggestions import suggestion
from hardsight.evaluation.wording import radius

PLANS = Path(__file__).with_name("plans")


class ThreatAsked(BaseModel):
    """A threat model: attacks in a ball or another threat, corruptions, or a certificate.

    Without suites, severities and sigma there is no threat: images are left alone.
    """

    model_config = STRICT

    norm: str = "Linf"
    eps: str = "2/255"
    """Radius or severity; of a certificate the largest radius counts."""
    suites: tuple[str, ...] = ("pgd", "eot-pgd")
    """Attacks, each a row; one that averages noise is left out of what has none."""
    severities: tuple[Annotated[int, Field(ge=1, le=5)], ...] = ()
    """Severities, 1 to 5, of the nineteen common corruptions, looked at instead of attacks."""
    sigma: float | None = Field(None, gt=0)
    """Standard deviation of the smoothing noise of a certificate; None: it is attacked."""
    copies: int = Field(100, ge=1)
    """Noisy copies an image, of a certificate."""
    radii: tuple[Annotated[float, Field(ge=0)], ...] = (0.0, 0.05, 0.1, 0.2)
    """L2, of a certificate."""

    @field_validator("eps", mode="before")
    @classmethod
    def _text(cls, eps: Any) -> Any:
        return str(eps) if isinstance(eps, int | float) else eps

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.sigma is not None and self.severities:
            raise ValueError(
                f"sigma={self.sigma:g} certifies and severities={list(self.severities)} corrupts: "
                "these are two threats; write one below the other"
            )
        return self

    @property
    def name(self) -> str:
        """What it is: "Linf 2/255", "corruptions 1, 3", "certified, sigma 0.125" or "clean"."""
        if self.sigma is not None:
            return f"certified, sigma {self.sigma:g}"
        if self.severities:
            return f"corruptions {', '.join(map(str, self.severities))}"
        if not self.suites:
            return "clean"
        return f"{self.norm} {self.eps}"

    @property
    def title(self) -> str:
        """``name`` for a reader: "L-inf 2/255"."""
        if self.attacked and self.norm in BALLS:
            return radius(self.norm, parse_radius(self.eps))
        return self.name

    @property
    def attacked(self) -> bool:
        """Whether images are attacked."""
        return self.sigma is None and not self.severities and bool(self.suites)

    @property
    def clean(self) -> bool:
        """Whether images are left alone."""
        return self.sigma is None and not self.severities and not self.suites


CLEAN = ThreatAsked(suites=())
"""No threat: all test images are left alone."""


class Measuring(BaseModel):
    """How every job of a plan is measured."""

    model_config = STRICT

    images: int | None = Field(None, ge=2)
    """Test images that are attacked, half of them anomalous; None: all."""
    budget: str = "fast"
    effort: Mapping[str, Any] = Field(default_factory=dict)
    """Fields of ``hardsight.attacks.effort.Effort`` that differ from the budget's."""
    fresh_draws: int = Field(10, ge=1)
    batch_size: int = Field(8, ge=1)
    """Images attacked at a time: what a killed run loses at most."""
    pictures: int = Field(4, ge=0)
    """Test images shown on the method's page."""
    audit: str | None = None
    """Budget of the audit, in the first ball that is attacked in; None: there is none."""

    @field_validator("audit")
    @classmethod
    def _known(cls, audit: str | None) -> str | None:
        if audit is not None and audit not in BUDGETS:
            raise ValueError(f"{audit!r} is not known; choose from {', '.join(BUDGETS)}")
        return audit


class Plan(BaseModel):
    """What a benchmark measures."""

    model_config = STRICT

    title: str
    tables: tuple[str, ...] = ()
    """Published tables that it re-runs, as "FreeRAD, Table 2"."""
    methods: tuple[MethodAsked, ...]
    data: tuple[DataAsked, ...]
    threats: tuple[ThreatAsked, ...]
    """Empty: all test images are left alone, once."""
    how: Measuring = Field(default_factory=Measuring)
    seeds: tuple[int, ...] = (0,)

    @field_validator("threats")
    @classmethod
    def _one_at_least(cls, threats: tuple[ThreatAsked, ...]) -> tuple[ThreatAsked, ...]:
        return threats or (CLEAN,)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what, names in (
            ("methods", [method.label for method in self.methods]),
            ("threats", [threat.name for threat in self.threats]),
            ("data and seeds", [job.name for job in self.jobs()]),
        ):
            files = [slug(name).casefold() for name in names]
            twice = {name for name, own in zip(names, files, strict=True) if files.count(own) > 1}
            if not names or twice:
                alike = ", whose files would have one name" if len(twice) > 1 else ""
                raise ValueError(
                    f"{what} must be at least one, each once; got "
                    f"{', '.join(sorted(twice)) or 0}{alike}"
                )
        return self

    @model_validator(mode="after")
    def _can_name_files(self) -> Self:
        for method in self.methods:
            check_slug(method.label, "name")
        for job, threat in product(self.jobs(), self.threats):
            check_slug(f"{job.name}, {threat.name}", "id")
        return self

    @classmethod
    def read(cls, source: str | Path) -> "Plan":
        """Read a plan from a YAML file, or one that comes with hardsight by its name.

        Raises:
            ConfigError: no such plan, or not a valid one; the message names the key.
        """
        path, size = Path(source), ""
        if not path.is_file() and str(source) in plan_names():
            stem, _, size = str(source).partition("-")
            path = PLANS / f"{stem}.yaml"
        if not path.is_file():
            raise ConfigError(
                f"plan={str(source)!r} is neither a file nor a plan that comes with hardsight; "
                f"{_plans_like(str(source))}"
            )
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
            return cls.model_validate(_sized(values, size) if size else values)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not readable YAML: {error}") from None
        except ValidationError as error:
            said = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ConfigError(f"{path}: {'; '.join(said)}") from None

    @model_validator(mode="after")
    def _parts_are_lent(self) -> Self:
        lenders = {method.label for method in self.methods if not method.parts}
        for method in self.methods:
            for part, lender in method.parts.items():
                if lender not in lenders:
                    raise ValueError(
                        f"parts of {method.label}: {part} is of {lender!r}, which is no method of "
                        f"this plan that trains its own; choose from {', '.join(lenders)}"
                    )
        return self

    @property
    def audited(self) -> ThreatAsked | None:
        """The threat that an audit is made of: the first ball that is attacked in, if any is."""
        return next((t for t in self.threats if t.attacked and t.norm in BALLS), None)

    def jobs(self) -> Iterator[Job]:
        """Yield a job for every method, category and seed."""
        for method, data, seed in product(self.methods, self.data, self.seeds):
            for category in data.categories or (None,):
                yield Job(method, data, category, seed)


def plan_names() -> list[str]:
    """Return the names of the plans that come with hardsight: "smoke", "freerad-cpu", ..."""
    return [
        f"{plan}-{size}" if size else plan
        for plan, sizes in _sizes().items()
        for size in sizes or ("",)
    ]


def _sizes() -> dict[str, list[str]]:
    """Return the plans that come with hardsight and their sizes, of some none."""
    return {
        path.stem: list(yaml.safe_load(path.read_text(encoding="utf-8")).get("sizes", ()))
        for path in sorted(PLANS.glob("*.yaml"))
    }


def _plans_like(name: str) -> str:
    """Return what plans there are, one a line, and the nearest to a name that is none."""
    plans = [f"  {plan}: {', '.join(sizes)}".rstrip(": ") for plan, sizes in _sizes().items()]
    lines = ["choose one of these, with a size as in freerad-cpu:", *plans]
    return "\n".join(filter(None, (*lines, suggestion(name, plan_names()))))


def _sized(values: dict[str, Any], size: str) -> dict[str, Any]:
    """Return a plan in one of its sizes, whose keys replace those of all sizes."""
    own = values.pop("sizes")[size]
    return {**values, **own}
