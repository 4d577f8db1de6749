"""Workers as actors of a Ray cluster."""

import queue
import socket
from collections import Counter
from typing import Any

from hardsight.core.engine import EngineError, Work
from hardsight.core.extras import needed
from hardsight.scale.pool import Event
from hardsight.scale.worker import Worker, pack, unpack

OBJECT_STORE = 2**29
"""Bytes of the object store of a cluster that is begun here: the work, and a result a worker."""
REACHABLE = 5.0
"""Seconds in which the head of a cluster must answer."""
HEARING = 1.0
"""Seconds that an actor waits for something to tell."""


class RayActors:
    """A crew of Ray actors.

    Args:
        address: HOST:PORT of the cluster's head, or "auto"; None begins one on this machine.
        size: how many actors; None: one for each CPU of the cluster.
        gpus: of each, 0 or 1.

    Raises:
        ImportError: ray is not installed.
        EngineError: there is no cluster at the address.
    """

    def __init__(self, address: str | None = None, size: int | None = None, gpus: int = 0) -> None:
        self._ray = needed("ray", "'hardsight[ray]'", "--engine ray")
        _connect(self._ray, address)
        nodes = [n["Resources"] for n in self._ray.nodes() if n["Alive"]]
        cpus = [int(n.get("CPU", 0)) for n in nodes]
        most = int(sum(n.get("GPU", 0) for n in nodes)) if gpus else sum(cpus)
        self.size = size or max(1, most)
        threads = max(1, min(max(cpus), sum(cpus) // self.size))
        self._actor = self._ray.remote(_Actor).options(
            num_cpus=threads, num_gpus=gpus, max_concurrency=2
        )
        self._threads = threads
        self._actors: dict[int, Any] = {}
        self._work: tuple[int, list[Any]] = 0, []
        """Number of the work, and its reference, packed: one at a time, held once a node."""
        self._waiting: dict[Any, tuple[int, str]] = {}
        """Reference that an actor has not answered yet -> worker, and what it is of."""
        self._numbers: Counter[int] = Counter()
        """Worker -> keys that it was given."""

    def take(self, work: Work[Any, Any]) -> None:
        """Have all keys from now on carried out by this work; see ``Crew``."""
        number, _ = self._work
        self._work = number + 1, [self._ray.put(self._ray.cloudpickle.dumps(work))]

    def start(self, worker: int) -> None:
        """Begin an actor, wherever the cluster has room for it."""
        actor = self._actors[worker] = self._actor.remote(self._threads)
        self._waiting[actor.ready.remote()] = worker, "ready"

    def give(self, worker: int, key: object) -> None:
        """Send a ready actor its key, and where the work is, which it takes once from its node."""
        self._numbers[worker] += 1
        number = self._numbers[worker]
        answer = self._actors[worker].carry_out.remote(*self._work, pack(key), number)
        self._waiting[answer] = worker, "done"

    def events(self) -> list[Event]:
        """Wait for the next answer of an actor."""
        answered, _ = self._ray.wait(list(self._waiting), num_returns=1)
        return [event for answer in answered for event in self._events(answer)]

    def stop(self, worker: int) -> None:
        """Kill an actor."""
        actor = self._actors.pop(worker, None)
        if actor is not None:
            self._ray.kill(actor)
        self._waiting = {ref: of for ref, of in self._waiting.items() if of[0] != worker}

    def close(self) -> None:
        """Kill the actors, and leave the cluster; one that was begun here ends."""
        for worker in list(self._actors):
            self.stop(worker)
        self._work = 0, []
        self._ray.shutdown()

    def _events(self, answer: Any) -> list[Event]:
        worker, form = self._waiting.pop(answer)
        try:
            found = unpack(self._ray.get(answer))
        except self._ray.exceptions.RayActorError as error:
            self.stop(worker)
            return [Event(worker, "died", str(error).strip().partition("\n")[0])]
        if form == "done":
            return [Event(worker, *found)]
        actor = self._actors[worker]
        self._waiting[actor.told.remote()] = worker, "told"
        return (
            [Event(worker, "ready")]
            if form == "ready"
            else [Event(worker, "told", e) for n, e in found if n == self._numbers[worker]]
        )


class _Actor:
    """A worker of which two methods may run at a time: one computes, one tells.

    Args:
        threads: that compute.
    """

    def __init__(self, threads: int) -> None:
        self._worker = Worker(threads)
        self._events: queue.SimpleQueue[tuple[int, tuple[object, ...]]] = queue.SimpleQueue()
        self._taken = 0
        """Number of the work that the worker has."""

    def ready(self) -> bytes:
        """Answer once the actor stands."""
        return pack(None)

    def carry_out(self, work: int, packed: list[Any], key: bytes, number: int) -> bytes:
        """Carry out a key of a work, see ``Worker``; what it tells bears the key's number."""
        if work != self._taken:
            import ray  # only where there is an actor

            self._worker.take(ray.get(packed[0]))
            self._taken = work

        def tell(*event: object) -> None:
            self._events.put((number, event))

        return pack(self._worker.carry_out(unpack(key), tell))

    def told(self) -> bytes:
        """Return the events since the last call, each behind its key's number, waiting a moment."""
        found = []
        try:
            found.append(self._events.get(timeout=HEARING))
            while True:
                found.append(self._events.get_nowait())
        except queue.Empty:
            return pack(found)


def _connect(ray: Any, address: str | None) -> None:
    """Join the cluster at an address, or begin one on this machine.

    Raises:
        EngineError: there is none.
    """
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    if address is None:
        ray.init(object_store_memory=OBJECT_STORE, **quiet)
        return
    way = "begin one there with: ray start --head; or leave --address out for one on this machine"
    host, colon, port = address.rpartition(":")
    try:
        if address != "auto":
            if not colon or not port.isdigit():
                raise ConnectionError("it must read HOST:PORT, or auto")
            socket.create_connection((host, int(port)), REACHABLE).close()
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except (OSError, RuntimeError) as error:
        raise EngineError(f"address={address!r} is no Ray cluster ({error}); {way}") from error
