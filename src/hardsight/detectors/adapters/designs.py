"""How a detector is prepared for smoothing noise."""

from collections.abc import Callable

from torch import Generator, Tensor

from hardsight.detectors.adapters.denoised import Denoised
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.errors import noisy_reference
from hardsight.detectors.base import Detector

Design = Callable[[Detector, Tensor, float, Generator | None], Detector]
"""(detector, normals of the training, sigma, generator) -> what is to be smoothed."""


def plain(
    detector: Detector, normals: Tensor, sigma: float, generator: Generator | None = None
) -> Detector:
    """Return a detector with its own noise, its reference from noisy normals if it has one."""
    if isinstance(detector, ErrorDetector):
        return noisy_reference(detector, normals, sigma, generator)
    return detector


def single(
    detector: Detector, normals: Tensor, sigma: float, generator: Generator | None = None
) -> Detector:
    """Return as ``plain``, with one draw of the detector's own noise for each noisy copy.

    The other copies average it as well, at a fraction of the cost.
    """
    if isinstance(detector, ErrorDetector):
        return noisy_reference(detector, normals, sigma, generator, draws=1)
    return detector


def denoise(
    detector: Detector, normals: Tensor, sigma: float, generator: Generator | None = None
) -> Detector:
    """Return a detector to which the smoothing noise is the diffusion's, see ``Denoised``.

    Raises:
        TypeError: a detector without reconstructions.
    """
    if not isinstance(detector, ErrorDetector):
        raise TypeError(
            f'design="denoise" needs reconstructions, as AdvRAD and Bastion make them, and '
            f'{type(detector).__name__} has none; choose "plain"'
        )
    return Denoised(detector, sigma, normals, generator)


def as_is(
    detector: Detector, normals: Tensor, sigma: float, generator: Generator | None = None
) -> Detector:
    """Return the detector."""
    return detector


DESIGNS: dict[str, Design] = {
    "plain": plain,
    "single": single,
    "denoise": denoise,
    "as-is": as_is,
}
"""Name -> how a detector is prepared for smoothing noise."""
