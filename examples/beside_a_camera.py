"""Put it beside a camera: judge pictures as they arrive, sort them, see when the light changes."""

import time
from collections import Counter
from pathlib import Path
from threading import Thread

import torch
from PIL import Image

from hardsight import PatchCore, textures
from hardsight.connections import connect
from hardsight.data import Reading
from hardsight.data.streams.arrivals import arrivals
from hardsight.evaluation.distribution_shift import image_statistics
from hardsight.evaluation.drift import DriftMonitor
from hardsight.evaluation.provenance import fingerprint
from hardsight.serve.decision import Decision


def photograph(parts: list[Path], folder: Path) -> None:
    """Stand in for a camera: all parts once, then once more under a lamp that has grown dim."""
    for number, part in enumerate([*parts, *parts]):
        picture = Image.open(part).convert("RGB")
        if number >= len(parts):
            picture = picture.point(lambda value: int(0.7 * value))
        picture.save(folder / "next.png")
        (folder / "next.png").rename(folder / f"incoming/{number:03}.png")  # whole or not at all
        time.sleep(0.01)


def main(
    folder: Path = Path("beside-a-camera"), size: int = 64, normals: int = 100, most: int = 40
) -> tuple[Counter[str], list[str]]:
    """Return how many pictures lie in each folder, and what the drift monitor says."""
    data = textures(folder / "data", "brick", size=size, train=normals, validation=30)
    detector = PatchCore(image_size=size).fit(data)
    calibration = detector.demand_calibration()
    good = {"score": calibration.clean_scores, **image_statistics(data.validation.images())}
    monitor = DriftMonitor(good, once_in=1000)

    (folder / "incoming").mkdir(parents=True, exist_ok=True)
    parts = [sample.path for sample in data.test.samples][:most]
    camera = Thread(target=photograph, args=(parts, folder))
    camera.start()

    line = connect(f"folder:{folder / 'sorted'}", folder / "state")  # or mqtt://, modbus://, ...
    model = fingerprint(detector)
    with Reading(
        lambda stop: arrivals(folder / "incoming", detector.decoding, 2.0, stop), 8
    ) as reading:
        for frames in reading.batches(8):
            pictures = torch.stack([frame.image for frame in frames if frame.image is not None])
            scores = detector.decide(pictures).pred_score.double().numpy()
            p_values = calibration.p_values(scores)
            line.send(
                Decision(
                    source=frame.name,
                    image=frame.sha256 or "",
                    score=float(score),
                    p_value=float(p_value),
                    label=bool(score > calibration.threshold),
                    threshold=calibration.threshold,
                    model="brick",
                    model_hash=model,
                )
                for frame, score, p_value in zip(frames, scores, p_values, strict=True)
            )
            monitor.add({"score": scores, **image_statistics(pictures)})
    camera.join()
    line.close()

    lie = Counter(path.parent.name for path in (folder / "sorted").glob("*/*.png"))
    print(f"{lie['good']} pictures lie in sorted/good, {lie['anomalous']} in sorted/anomalous")
    alarms = [str(alarm) for alarm in monitor.alarms]
    print("The monitor:", "; ".join(alarms[:3]) or "no drift")
    return lie, alarms


if __name__ == "__main__":
    main()
