"""An engine by its name."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from hardsight.core.devices import pick_device
from hardsight.core.engine import HERE, Engine
from hardsight.core.threads import usable_cpus
from hardsight.scale.alike import alike
from hardsight.scale.pool import Pool
from hardsight.scale.processes import Processes
from hardsight.scale.ray_actors import RayActors

_log = logging.getLogger(__name__)

ENGINES = ("local", "ray")


@contextmanager
def open_engine(
    name: str = "local",
    workers: int | None = None,
    address: str | None = None,
    device: str = "auto",
) -> Iterator[Engine]:
    """Yield an engine, whose workers end with the context.

    Args:
        name: one of ``ENGINES``.
        workers: keys worked at beside each other; None: 1, or with ray as many as the cluster has
            CPUs. The CPUs are shared out among them, so that local ones are no more than CPUs.
        address: of a Ray cluster's head; None: one is begun on this machine.
        device: on which they compute; of a cluster each worker gets a GPU where it is one.

    Raises:
        ValueError: another name, or an address of an engine that takes none.
        EngineError: there is no cluster at the address.
        ImportError: ray is not installed.
    """
    if name not in ENGINES:
        raise ValueError(f"engine={name!r} is not known; choose from {', '.join(ENGINES)}")
    if name == "ray":
        gpus = int(pick_device(device).type == "cuda")
        with Pool(RayActors(address, workers, gpus), alike) as pool:
            yield pool
        return
    if address is not None:
        raise ValueError(f"--address {address} is of --engine ray; add that, or leave it out")
    cpus = usable_cpus()
    size = min(workers or 1, cpus)
    if workers is not None and workers > size:
        said = "--workers %d: this machine has %d CPUs to use, so that many share the work"
        _log.warning(said, workers, cpus)
    if size == 1:
        yield HERE
        return
    with Pool(Processes(size, cpus // size), alike) as pool:
        yield pool
