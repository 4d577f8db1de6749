"""Names of models -> what is served under them; replaced in one step, without a gap."""

import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from hardsight.core.folders import real_path
from hardsight.serve.log import InspectionLog
from hardsight.serve.log.thresholds import ThresholdVersion
from hardsight.serve.models.served import Origin, ServedModel

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ModelError(ValueError):
    """A model that cannot be served as asked; the message says the way out."""


class UnknownModelError(LookupError):
    """A name under which nothing is served."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        served = ", ".join(known) or "none"
        super().__init__(f"no model {name!r} is served; served are: {served}")


class Models:
    """Several runs side by side.

    A model is loaded beside the one it replaces, which goes on meanwhile and finishes what it
    accepted.

    Args:
        log: where versions of thresholds are.
        origins: run folders, exports and bundles, each served under its name.
        device: where they compute.

    Raises:
        ModelError: two folders of one name, or a name that fits no URL.
        RunError: a folder that holds no finished run of a detector.
    """

    def __init__(self, log: InspectionLog, origins: Iterable[Origin], device: str = "auto") -> None:
        self._log, self._device = log, device
        self._lock, self._loading = threading.Lock(), threading.Lock()
        self._served: dict[str, ServedModel] = {}
        given = [_resolved(origin) for origin in origins]
        self._roots = {origin.run.parent for origin in given}
        for origin in given:
            if origin.name in self._served:
                raise ModelError(
                    f"two models are named {origin.name}: rename one, or serve it by itself"
                )
            self._load(origin.name, origin)

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(list(self._served.values()))

    def __len__(self) -> int:
        return len(self._served)

    def get(self, name: str) -> ServedModel:
        """Return the model of a name.

        Raises:
            UnknownModelError: nothing is served under it.
        """
        try:
            return self._served[name]
        except KeyError:
            raise UnknownModelError(name, self._served) from None

    def load(self, name: str, run: str | None = None, beside: str | None = None) -> ServedModel:
        """Load a model, or load it again; it replaces the one of its name once it is ready.

        Args:
            name: to serve it under.
            run: lies beside those that the service was started with; None: the model's own, as it
                is on disk now, and its second one.
            beside: run of a second detector, for another ``run``; None: there is none.

        Raises:
            ModelError: a name that fits no URL, a folder elsewhere, or a second run alone.
            RunError: a folder that holds no finished run of a detector.
            UnknownModelError: no run, and nothing is served under the name.
        """
        if run is None and beside is not None:
            raise ModelError(f"beside={beside!r} stands beside a run; name that too, as run")
        if run is None:
            return self._load(name, self.get(name).origin)
        origin = _resolved(Origin(Path(run), None if beside is None else Path(beside)))
        for place in (origin.run, origin.beside):
            if place is not None and place.parent not in self._roots:
                roots = ", ".join(sorted(map(str, self._roots)))
                raise ModelError(
                    f"run={str(place)!r} does not lie beside the runs that the service was started "
                    f"with, in {roots}: put it there, or start the service with it"
                )
        return self._load(name, origin)

    def replace(self, model: ServedModel) -> None:
        """Serve a model in the place of the one of its name."""
        with self._lock:
            self._served = {**self._served, model.name: model}

    def put_in_force(self, model: ServedModel, version: ThresholdVersion) -> None:
        """Give what is served under a model's name the threshold that was set on its decisions.

        Args:
            model: as it was when the threshold was set; it may have been loaded again since.
            version: in the log. One that is newer by now stays in force.

        Raises:
            ModelError: other weights are served by now, or none.
        """
        with self._loading, self._lock:  # what is being loaded may have read the log before
            served = self._served.get(model.name)
            if served is None or served.hash != model.hash:
                raise ModelError(
                    f"{model.name} was replaced while its threshold was set; version "
                    f"{version.version} is in the log, for the weights before: set one for those "
                    "that are served now"
                )
            if served.version < version.version:
                self._served = {**self._served, model.name: served.with_threshold(version)}

    def remove(self, name: str) -> None:
        """Serve a model no longer; what it accepted is finished.

        Raises:
            UnknownModelError: nothing is served under the name.
        """
        self.get(name)
        with self._lock:
            self._served = {key: kept for key, kept in self._served.items() if key != name}

    def _load(self, name: str, origin: Origin) -> ServedModel:
        if not NAME.fullmatch(name):
            raise ModelError(
                f"name={name!r} must be 1 to 64 letters, digits, dots, dashes or underscores, and "
                "begin with a letter or digit; rename the folder"
            )
        with self._loading:
            model = ServedModel.load(name, origin, self._log, self._device)
            self.replace(model)
        return model


def _resolved(origin: Origin) -> Origin:
    """Return where an origin's runs are.

    Raises:
        ModelError: a name that no file can have.
    """
    try:
        return Origin(real_path(origin.run), origin.beside and real_path(origin.beside))
    except (OSError, ValueError) as error:
        raise ModelError(f"{str(origin.run)!r} names no run ({error}); name its folder") from error
