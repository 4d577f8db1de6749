"""Is it robust? Attack a detector, then one whose gradient is masked, and audit both."""

from pathlib import Path

from torch import Tensor

from hardsight import PatchCore, as_detector, attack, textures, write_html
from hardsight.audit import Budget, audit


def main(
    folder: Path = Path("is-it-robust"),
    size: int = 64,
    normals: int = 100,
    images: int = 8,
    budget: str | Budget = "quick",
) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Return the AUROC that PGD leaves of each detector, and what its audit says against it."""
    data = textures(folder / "data", "brick", size=size, train=normals, validation=30)
    data = data.limited(images, balanced=True)
    plain = PatchCore(image_size=size).fit(data)

    def rounding(pictures: Tensor) -> Tensor:
        """Score what is left of pictures in 16 levels: rounding has no slope."""
        return plain((pictures * 15).round() / 15).pred_score

    found = {}
    for name, detector in {"plain": plain, "masked": as_detector(rounding, size)}.items():
        row = attack(detector, data, "pgd", eps="4/255").rows[-1]
        checked = audit(detector, data, eps="4/255", images=images, budget=budget)
        print(f"{name}: PGD at 4/255 leaves an AUROC of {row.mean.value:.3f}. {checked.headline}")
        print("Report:", write_html(checked, folder / f"audit-{name}.html"))
        found[name] = row.mean.value, checked.stamp
    return found


if __name__ == "__main__":
    main()
