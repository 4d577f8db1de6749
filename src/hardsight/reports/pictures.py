"""Photographs, perturbations and heat maps as the bytes of JPEG pictures."""

import base64
import binascii
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor

from hardsight.data.opening import ImageError, opened_bytes

_OUTLINE = np.array([0.0, 0.9, 1.0])
EMBEDDED = "data:image/jpeg;base64,"
MAX_SHOWN = 1 << 22
"""Pixels that a picture of a page may have."""
AMPLIFY = 10
"""How many times a perturbation is enlarged for showing."""


def _encode(pixels: NDArray[np.floating[Any]], side: int, quality: int) -> bytes:
    """Encode (H, W, 3) in [0, 1] as JPEG bytes, no side longer than ``side``."""
    picture = Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    # optimize=True would ask for a buffer of a byte a pixel, which noise outgrows
    picture.save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def _rgb(image: Tensor) -> NDArray[np.float64]:
    """Turn (C, H, W) to (H, W, 3); one channel is repeated, others than 1 and 3 are averaged."""
    x = image.detach().cpu().double().numpy()
    x = x if x.shape[0] == 3 else np.repeat(x.mean(axis=0, keepdims=True), 3, axis=0)
    return np.moveaxis(x, 0, -1)


def photo(image: Tensor, side: int = 288) -> bytes:
    """Encode (C, H, W) in [0, 1] as JPEG bytes."""
    return _encode(_rgb(image), side, 86)


def perturbation(image: Tensor, attacked: Tensor, side: int = 288) -> bytes:
    """Draw the signed change ``AMPLIFY`` times as large round mid-grey (= none): JPEG bytes."""
    return _encode(0.5 + AMPLIFY * (_rgb(attacked) - _rgb(image)), side, 80)


def heat_scale(maps: Sequence[Tensor]) -> tuple[float, float]:
    """Return one (low, high) for all maps: the middle of all pixels to the hottest 0.05 %."""
    values = np.concatenate([m.detach().cpu().double().numpy().ravel() for m in maps])
    low, high = (float(v) for v in np.quantile(values, [0.5, 0.9995]))
    return low, high if high > low else low + 1.0


def threshold_scale(anomaly_map: Tensor, threshold: float) -> tuple[float, float]:
    """Return the (low, high) of one map alone: half the threshold on either side of it.

    Without a threshold it is that of ``heat_scale``.
    """
    if not threshold:
        return heat_scale([anomaly_map])
    reach = 0.5 * abs(threshold)  # of logits it may be negative
    return threshold - reach, threshold + reach


def heat_layer(anomaly_map: Tensor, threshold: float) -> bytes:
    """Draw a map (H, W) to be laid over its image, clear where it is normal: PNG bytes.

    Args:
        anomaly_map: (H, W).
        threshold: from which a pixel is anomalous; it is drawn half opaque.
    """
    low, high = threshold_scale(anomaly_map, threshold)
    v = ((anomaly_map.detach().cpu().double().numpy() - low) / (high - low)).clip(0, 1)
    pixels = np.dstack([_heat(v), 0.85 * v**0.7])
    out = io.BytesIO()
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _heat(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the colours (H, W, 3) of the heat ``v`` (H, W) in [0, 1]."""
    from matplotlib import colormaps  # slow to import: not before it is needed

    colours: NDArray[np.float64] = colormaps["inferno"](0.25 + 0.7 * v)[..., :3]
    return colours


def _heated(grey: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lay the heat ``v`` in [0, 1] over a grey picture: nothing at 0, opaque colour at 1."""
    alpha = (0.85 * v**0.7)[..., None]
    blended: NDArray[np.float64] = alpha * _heat(v) + (1 - alpha) * grey
    return blended


def heat(
    image: Tensor,
    anomaly_map: Tensor,
    mask: Tensor | None,
    scale: tuple[float, float],
    side: int = 288,
) -> bytes:
    """Lay the map over the grey image, the true defect outlined in cyan: JPEG bytes.

    Args:
        image: (C, H, W) in [0, 1].
        anomaly_map: (H, W).
        mask: (H, W) bool or None.
        scale: values drawn as no heat and as full heat.
        side: longest side of the picture.
    """
    low, high = scale
    v = ((anomaly_map.detach().cpu().double().numpy() - low) / (high - low)).clip(0, 1)
    grey = 0.15 + 0.7 * _rgb(image).mean(axis=-1, keepdims=True)
    pixels = _heated(grey, v)
    if mask is not None:
        inside = mask.cpu().numpy().astype(bool)
        width = max(1, round(min(inside.shape) / 128))
        pixels[ndimage.binary_dilation(inside, iterations=width) & ~inside] = _OUTLINE
    return _encode(pixels, side, 86)


def heat_bar() -> bytes:
    """Draw the colours of ``heat`` from none to full, over mid-grey: JPEG bytes."""
    v = np.tile(np.linspace(0.0, 1.0, 256), (12, 1))
    return _encode(_heated(np.full((12, 256, 1), 0.5), v), 256, 90)


def embedded(jpeg: bytes) -> str:
    """Return a picture as the address that a page holds it by."""
    return EMBEDDED + base64.b64encode(jpeg).decode()


def is_embedded(address: str) -> bool:
    """Tell whether an address is one of ``embedded``, of a JPEG picture that can be decoded."""
    if not address.startswith(EMBEDDED):
        return False
    try:
        data = base64.b64decode(address.removeprefix(EMBEDDED), validate=True)
        with opened_bytes(data, "the picture", MAX_SHOWN) as picture:
            picture.load()
            return picture.format == "JPEG"
    except (binascii.Error, ImageError):
        return False
