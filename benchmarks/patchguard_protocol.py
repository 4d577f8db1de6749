"""PatchGuard's own protocol: one attack of the patches, from which both figures are read."""

import torch

from hardsight.attacks import PGD, build_ball, frozen
from hardsight.data import AnomalyData
from hardsight.detectors.patchguard import PatchGuard, PatchObjective, cell_labels
from hardsight.metrics import auroc, bootstrap, pixel_auroc


def published_protocol(
    detector: PatchGuard,
    data: AnomalyData,
    norm: str = "Linf",
    eps: str | float = "8/255",
    steps: int = 1000,
    batch_size: int = 16,
) -> dict[str, object]:
    """Attack the patches with their true labels; score image and pixels of what comes out.

    Steps of 2.5 eps / steps from the image itself, no restart, the last iterate. Because normal
    patches of an anomalous image are pushed up, its score rises: no worst case for the image.
    """
    images, masks, labels = data.test.images(), data.test.masks(), data.test.labels
    if masks is None:
        raise ValueError(f"{data.name} has no mask for every anomalous test image")
    ball = build_ball(norm, eps)
    attack = PGD(ball, steps, 2.5 * ball.eps / steps or None, random_start=False)
    scores, maps = [], []
    with frozen(detector):
        for start in range(0, len(images), batch_size):
            x = detector.prepare(images[start : start + batch_size])
            cells = cell_labels(masks[start : start + len(x)].to(x.device), detector.network.cell)
            found = attack(PatchObjective(detector.patch_logits, cells), x).images
            said = detector.predict(found, batch_size=batch_size)
            scores.append(said.pred_score.double())
            maps.append(said.anomaly_map)
    score = torch.cat(scores).numpy()
    return {
        "norm": norm,
        "eps": str(eps),
        "steps": steps,
        "image AUROC": list(bootstrap(auroc, score, labels)),
        "pixel AUROC": pixel_auroc(torch.cat(maps).double().numpy(), masks.numpy()),
        "images": len(labels),
    }
