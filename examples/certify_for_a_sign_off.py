"""Certify for a sign-off: what no perturbation within an L2 radius can do to a detector."""

from pathlib import Path

from hardsight import PatchCore, textures, write_html
from hardsight.evaluation import Certification, Smoothing, Terms, certify


def main(
    folder: Path = Path("sign-off"),
    size: int = 64,
    normals: int = 100,
    images: int = 16,
    n: int = 200,
) -> Certification:
    """Return the certificate of a detector of brick walls."""
    data = textures(folder / "data", "brick", size=size, train=normals, validation=30)
    data = data.limited(images, balanced=True)
    detector = PatchCore(image_size=size).fit(data)

    terms = Terms(sigma=0.02, n=n, alpha=0.001, radii=(0.0, 0.01, 0.03))
    found = certify(detector, data, terms, smoothing=Smoothing(pixels=0))
    for point in found.rows:
        print(
            f"No perturbation of L2 norm {point.radius:g} (L-inf {point.linf:.1e}) brings the "
            f"AUROC below {point.auroc:.3f}"
        )
    print(found.statement)
    print("Report:", write_html(found, folder / "certificate.html"))
    return found


if __name__ == "__main__":
    main()
