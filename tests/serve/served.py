"""A service on a free port of loopback, as the command serves it."""

import threading
from contextlib import contextmanager

import uvicorn

from hardsight.serve.server import configured, listen


@contextmanager
def served(service, tokens=None, host="127.0.0.1"):
    """Serve in a thread, and yield the address."""
    with listen(host, 0, tokens) as listening:
        config = configured(service, listening, tokens)
        config.lifespan = "off"
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://{host}:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()
