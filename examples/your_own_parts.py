"""Your own parts: look at the folder, fit, choose the false-alarm rate, decide, report."""

import shutil
from pathlib import Path

from hardsight import PatchCore, evaluate, load, write_html
from hardsight.data import write_textures
from hardsight.data.findings import findings
from hardsight.evaluation import Protocol


def photographs(folder: Path, size: int, count: int) -> Path:
    """Write a folder as yours may be: ``good/``, ``bad/`` and ``masks/``."""
    made = write_textures(folder / "textures", ["gravel"], size, train=count) / "gravel"
    parts = folder / "parts"
    for source, name in (("train/good", "good"), ("test/stain", "bad")):
        shutil.copytree(made / source, parts / name, dirs_exist_ok=True)
    shutil.copytree(made / "ground_truth/stain", parts / "masks", dirs_exist_ok=True)
    return parts


def main(folder: Path = Path("your-own-parts"), size: int = 128, count: int = 150) -> list[bool]:
    """Return what is said of the bad parts: whether each raises an alarm."""
    data = load(photographs(folder, size, count), size=size)
    for sentence in findings(data):
        print("Before training:", sentence)

    detector = PatchCore(image_size=size).fit(data)
    detector = detector.calibrate(data.validation.images(), level=0.05)  # 19 good parts suffice
    print(detector.calibration.statement)

    bad = sorted((folder / "parts/bad").iterdir())
    alarms = detector.decide(bad).pred_label.tolist()
    print(f"{sum(alarms)} of {len(bad)} bad parts raise an alarm")

    report = evaluate(detector, data, [], protocol=Protocol(gallery=4))  # [] leaves out attacks
    print("Report:", write_html(report, folder / "report.html"))
    return alarms


if __name__ == "__main__":
    main()
