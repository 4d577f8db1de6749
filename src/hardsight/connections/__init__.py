"""What decisions are told to: brokers, web services, controllers, folders.

Every connection is a ``Sink``; ``connect`` opens one by its address.
"""

from hardsight.connections.catalogue import CONNECTIONS, connect, sorted_into
from hardsight.connections.sink import Sink, listener

__all__ = ["CONNECTIONS", "Sink", "connect", "listener", "sorted_into"]
