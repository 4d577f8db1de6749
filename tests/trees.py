"""Tiny data sets, each arranged as its layout is."""

import csv
import io
import json
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hardsight.data import AnomalyData
from hardsight.data.layouts.cifar10 import CLASSES


def write(*paths: Path, value: int = 200) -> None:
    """Write grey images of 8 x 8."""
    for path in paths:
        picture(path, np.full((8, 8), value, np.uint8))


def picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def masks_of(data: AnomalyData) -> dict[str, list[str]]:
    """Return anomalous test image -> its masks, as paths below the data set's folder."""
    return {
        name: [mask.relative_to(data.root).as_posix() for mask in sample.masks]
        for name, sample in zip(data.test.names, data.test.samples, strict=True)
        if sample.anomalous
    }


def sizes(data: AnomalyData) -> tuple[int, int, int]:
    return len(data.train), len(data.validation), len(data.test)


def mvtec(top: Path, good: str = "good", defects: Sequence[str] = ("crack", "dent")) -> Path:
    """Ten images to train on, two good ones to test and three of every defect, with masks."""
    numbered(top / "train" / good, 10)
    numbered(top / "test" / good, 2)
    for defect in defects:
        numbered(top / "test" / defect, 3)
        write(*(top / "ground_truth" / defect / f"{i:03}_mask.png" for i in range(3)))
    return top


def mvtec_ad2(top: Path) -> Path:
    for place, count in (
        ("train/good", 10),
        ("validation/good", 3),
        ("test_public/good", 4),
        ("test_public/bad", 3),
    ):
        numbered(top / place, count, "_regular")
    numbered(top / "test_public" / "ground_truth" / "bad", 3, "_regular_mask")
    write(top / "test_private" / "000.png", top / "test_private_mixed" / "000.png")
    return top


def mvtec_loco(top: Path) -> Path:
    """Two masks of the first logical anomaly, one of the last, none of those between."""
    numbered(top / "train" / "good", 10)
    numbered(top / "validation" / "good", 1)
    numbered(top / "test" / "good", 1)
    numbered(top / "test" / "structural_anomalies", 1)
    write(top / "ground_truth" / "structural_anomalies" / "000" / "000.png")
    numbered(top / "test" / "logical_anomalies", 4)
    truth = top / "ground_truth" / "logical_anomalies"
    write(truth / "000" / "000.png", truth / "000" / "001.png", truth / "003" / "001.png")
    return top


def btad(top: Path) -> Path:
    return mvtec(top, "ok", ("ko",))


def visa(root: Path, category: str = "candle") -> Path:
    """Twelve normal images, of which the split trains on nine, and two anomalous ones."""
    images = root / category / "Data" / "Images"
    names = [f"{category}/Data/Images/Normal/{i:04}.JPG" for i in range(12)]
    write(*(root / name for name in names))
    rows = [[category, "train" if i < 9 else "test", "normal", n, ""] for i, n in enumerate(names)]
    for i in range(2):
        mask = root / category / "Data" / "Masks" / "Anomaly" / f"{i:03}.png"
        write(mask, value=2)
        write(images / "Anomaly" / f"{i:03}.JPG")
        image = f"{category}/Data/Images/Anomaly/{i:03}.JPG"
        rows.append([category, "test", "anomaly", image, mask.relative_to(root).as_posix()])
    table(root / "split_csv" / "1cls.csv", ["object", "split", "label", "image", "mask"], rows)
    return root / category


def table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([columns, *rows])
    return file


def kolektor_sdd(top: Path, items: int = 6) -> Path:
    """Three images of each item, the last of them cracked."""
    for item in range(1, items + 1):
        for part in range(3):
            place = top / f"kos{item:02}"
            write(place / f"Part{part}.jpg")
            write(place / f"Part{part}_label.bmp", value=255 * (part == 2))
    return top


def kolektor_sdd2(top: Path) -> Path:
    """Ten good and two defective images to train on, four and three to test."""
    for part, good, bad in (("train", 10, 2), ("test", 4, 3)):
        for i in range(good + bad):
            write(top / part / f"{10000 + i}.png")
            write(top / part / f"{10000 + i}_GT.png", value=255 * (i >= good))
    return top


def head_ct(top: Path) -> Path:
    """Three slices with a haemorrhage, and ten without."""
    numbered(top / "head_ct", 13)
    rows = [[str(i), f" {int(i < 3)}"] for i in range(13)]
    table(top / "labels.csv", ["id", " hemorrhage"], rows)
    return top


def magnetic_tile(top: Path) -> Path:
    for place, count in (("MT_Free", 10), ("MT_Blowhole", 2), ("MT_Crack", 1)):
        write(*(top / place / "Imgs" / f"exp1_{i}.jpg" for i in range(count)))
        write(*(top / place / "Imgs" / f"exp1_{i}.png" for i in range(count)))
    return top


def brats2021(top: Path, patients: int = 5) -> Path:
    """Volumes of 6 x 4 x 155 whose tumour lies in slices 70 to 90, of three that are read."""
    rng = np.random.default_rng(0)
    for patient in range(patients):
        name = f"BraTS2021_{patient:05}"
        (top / name).mkdir(parents=True)
        tumour = np.zeros((6, 4, 155), np.uint8)
        tumour[2:4, 1:3, 65:95] = 4
        scan = rng.integers(0, 900, tumour.shape).astype(np.int16)
        for modality, values in (("flair", scan), ("seg", tumour)):
            volume = nibabel.Nifti1Image(values, np.eye(4))
            nibabel.save(volume, top / name / f"{name}_{modality}.nii.gz")
    return top


def cifar10_tar(file: Path, train: int = 6, test: int = 2) -> Path:
    """So many images of each class as JPEG, the brightness of a class and a number its own."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as archive:
        for part, count in (("train", train), ("test", test)):
            for k, name in enumerate(CLASSES):
                for i in range(count):
                    packed = io.BytesIO()
                    shade = np.full((32, 32, 3), 20 * k + i, np.uint8)
                    Image.fromarray(shade).save(packed, "JPEG")
                    info = tarfile.TarInfo(f"cifar10/{part}/{name}/{i:04}.jpg")
                    info.size = packed.tell()
                    archive.addfile(info, io.BytesIO(packed.getvalue()))
    return file


def mnist(top: Path, train: int = 6, test: int = 2) -> Path:
    """So many images of each digit."""
    top.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("test", test)):
        labels = np.arange(10 * count) % 10
        images = np.repeat(labels, 784).reshape(-1, 28, 28, 1).astype(np.uint8) * 25
        np.savez(top / f"mnist_{part}.npz", images=images, labels=labels)
    return top


def coco(file: Path, images: Sequence[str], annotations: Sequence[dict[str, object]]) -> Path:
    """An annotation file of images of 8 x 8, numbered from 1 on."""
    held = {
        "images": [
            {"id": i, "file_name": name, "width": 8, "height": 8}
            for i, name in enumerate(images, start=1)
        ],
        "categories": [{"id": 1, "name": "scratch"}, {"id": 2, "name": "OK"}],
        "annotations": [{"id": i, **one} for i, one in enumerate(annotations)],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(held), encoding="utf-8")
    return file


def numbered(folder: Path, count: int, ending: str = "") -> None:
    write(*(folder / f"{i:03}{ending}.png" for i in range(count)))
