"""A first detector: fit it on good parts, score new ones, see where they are not normal."""

from pathlib import Path

from hardsight import PatchCore, textures
from hardsight.metrics import auroc
from hardsight.reports.pictures import heat, heat_scale, photo


def main(folder: Path = Path("first-detector"), size: int = 128, normals: int = 100) -> float:
    """Return the image AUROC of a detector of brick walls."""
    # Photographs that come with the package: crops, of which the defective ones are synthetic.
    data = textures(folder / "data", "brick", size=size, train=normals, validation=30)
    print(f"{len(data.train)} good parts to learn from, {len(data.test)} to test on")

    detector = PatchCore(image_size=size).fit(data)
    print(detector.calibration.statement)

    found = detector.predict(data.test.images())
    figure = auroc(found.pred_score, data.test.labels)
    print(f"Image AUROC {figure:.3f}; {int(found.pred_label.sum())} parts raise an alarm")

    # The most anomalous part, and where: hot is anomalous, the true defect is outlined.
    worst = int(found.pred_score.argmax())
    part, mask = data.test[worst].image, data.test.masks()[worst, 0]
    scale = heat_scale([found.anomaly_map])
    (folder / "part.jpg").write_bytes(photo(part))
    (folder / "heat.jpg").write_bytes(heat(part, found.anomaly_map[worst, 0], mask, scale))

    detector.save_pretrained(folder / "detector")  # PatchCore.from_pretrained reads it
    print(f"In {folder}: heat.jpg, part.jpg and the detector")
    return figure


if __name__ == "__main__":
    main()
