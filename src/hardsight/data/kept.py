"""Images that are kept decoded, and the memory for them."""

from hardsight.core.available import memory


def image_bytes(count: int, size: int) -> int:
    """Return the bytes of so many images, uint8 (N, 3, size, size)."""
    return count * 3 * size**2


def demand_memory(count: int, size: int, model: int = 0) -> None:
    """Refuse so many images of size x size pixels that could not be kept, before one is decoded.

    Args:
        count: how many.
        size: side in pixels.
        model: bytes of the model that is fitted to them, and kept beside them.

    Raises:
        ValueError: the memory that is free cannot hold them.
    """
    images, there = image_bytes(count, size), memory()
    if there is not None and images + model > there.free * 2**30:
        beside = f", the model {model / 2**30:,.1f} GiB beside them" if model else ""
        raise ValueError(
            f"image_size={size}: the {count} images that are kept take {images / 2**30:,.1f} GiB "
            f"at {size} x {size} pixels{beside}, and of {there.whole:,.1f} GiB of memory "
            f"{there.free:,.1f} are free; take a smaller size (--size), or fewer images "
            "(--normals, --limit), or end what else takes memory"
        )
