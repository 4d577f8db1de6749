"""One image of a stream, and image files decoded ahead of their use."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from torch import Tensor

from hardsight.data.decoding import Decoding
from hardsight.data.files import worker_threads
from hardsight.data.image_check import ImageCheck
from hardsight.data.images import Window
from hardsight.data.opening import ImageError
from hardsight.data.remote import Source, at_hand


@dataclass(frozen=True)
class Frame:
    """An image that came, or why it could not be read."""

    name: str
    """The file's path or URL, or that of a video or camera with the frame's number."""
    image: Tensor | None
    """(3, H, W) float32 in [0, 1]; None: unreadable."""
    error: ImageError | None = None
    seen: float = field(default_factory=time.monotonic)
    """When it was read, in seconds of the monotonic clock."""
    sha256: str | None = None
    """Hash of its file, as it was before it was decoded, where it arrived in a folder."""
    window: Window | None = None
    """Where it lies among its repeated pixels, of an image whose aspect is kept; None: there are
    none."""

    @classmethod
    def read(cls, source: Source, decoding: Decoding, check: ImageCheck) -> "Frame":
        """Decode a file or an object; what is wrong with it is kept, not raised.

        Raises:
            RemoteError: object storage that cannot be read.
        """
        begun, name = time.monotonic(), str(source)
        try:
            with at_hand(source) as path:
                check.file(path, name)
                image, window = decoding.file(path), decoding.window_of(path)
                return cls(name, image, None, begun, window=window)
        except ImageError as error:
            return cls(name, None, error, begun)


def read_ahead(
    sources: Iterable[Source],
    decoding: Decoding,
    ahead: int,
    check: ImageCheck | None = None,
) -> Iterator[Frame]:
    """Yield the files decoded, in order, while threads decode the next ones.

    Args:
        sources: taken one by one, ``ahead`` of what was yielded.
        decoding: of the frames.
        ahead: frames decoded and waiting at most.
        check: warns of what is odd, once in all calls that are given it; None: in this one.
    """
    check = check or ImageCheck(decoding)
    with worker_threads() as pool:
        waiting: deque[Future[Frame]] = deque()
        for source in sources:
            waiting.append(pool.submit(Frame.read, source, decoding, check))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
