"""How PatchGuard scores: the settings as a value."""

from dataclasses import dataclass

from hardsight.detectors.enlargement import Enlargement

_PATCH = 14
"""Side in pixels of the patches that ``k`` counts, where a network judges pixels."""


@dataclass(frozen=True)
class PatchScoring:
    """From the logits of patches to a score and a map.

    Raises:
        ValueError: a value out of its range.
    """

    k: int = 5
    """Patches with the highest logits that the score averages; the paper says 5, its code 3.
    Of a network that judges pixels, as large a share of them as k has of 14 x 14 patches."""
    sigma: float = 6.0
    """Sigma of the Gaussian that smooths the map, in pixels; 0: none."""
    radius: int = 7
    """Where the Gaussian is cut off, in pixels."""

    def __post_init__(self) -> None:
        if self.k < 1 or self.sigma < 0 or self.radius < 0:
            raise ValueError(
                "need k >= 1, sigma >= 0 and radius >= 0, got "
                f"k={self.k}, sigma={self.sigma} and radius={self.radius}"
            )

    def top(self, side: int, image_size: int) -> int:
        """Return how many of ``side`` x ``side`` logits the score averages.

        Raises:
            ValueError: k is larger than the number of patches.
        """
        pixelwise = side == image_size
        patches = (image_size / _PATCH) ** 2 if pixelwise else side**2
        if self.k > patches:
            raise ValueError(f"k must be between 1 and the {patches:g} patches, got {self.k}")
        return max(1, round(self.k / patches * image_size**2)) if pixelwise else self.k

    def enlargement(self, side: int, image_size: int) -> Enlargement:
        """Return what makes the map of pixels of ``side`` x ``side`` logits."""
        return Enlargement(side, image_size, self.sigma, self.radius)
