"""Keeping freed memory, so that large tensors do not cost a page fault for every 4 KiB."""

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Names of settings of glibc's mallopt(3)."""


def keep_memory() -> bool:
    """Let the C library reuse the memory of freed tensors instead of giving it back.

    On a CPU a network's activations are freed and taken again at every step; each time, the kernel
    must clear them page by page: about a tenth of the time of the fast denoiser's gradient. Meant
    for programs, which own their process; it keeps its largest size.

    Returns:
        False where the C library has no such settings: nothing was changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 128 << 20}
    accepted = [mallopt(name, value) for name, value in settings.items()]
    return all(a == 1 for a in accepted)
