"""The card beside saved weights: what they are, how to load them, what they do not promise."""

import os
from collections.abc import Mapping

from huggingface_hub import ModelCard, ModelCardData

from hardsight.core.words import in_words
from hardsight.detectors.base import Detector

TAGS = ["anomaly-detection", "adversarial-robustness", "hardsight"]


def model_card(detector: Detector, facts: Mapping[str, str]) -> ModelCard:
    """Return the card of a detector.

    Args:
        detector: as it is saved.
        facts: where it comes from, name -> value: preset, data set, start.
    """
    method = type(detector).__name__
    about = {**facts, "settings": f"`{in_words(dict(sorted(detector.settings.items())))}`"}
    lines = "\n".join(f"- {name}: {value}" for name, value in about.items())
    height, width = detector.size
    threshold = detector.calibration.statement if detector.calibration else "It was not calibrated."
    text = f"""{front_matter()}

# {method}, a detector of visual anomalies

{lines}

```python
import hardsight

detector = hardsight.{method}.from_pretrained("THIS FOLDER OR REPOSITORY")
prediction = detector.predict(images)  # (B, 3, {height}, {width}) in [0, 1]
prediction.pred_score, prediction.anomaly_map  # (B,), (B, 1, {height}, {width}): high is anomalous
```

Threshold: {threshold}

This card promises nothing about attacks. A folder that `hardsight fit` wrote is measured with
`hardsight evaluate FOLDER`, and `hardsight audit FOLDER` says whether the figures can be believed.
"""
    return ModelCard(readable(text))


def front_matter() -> str:
    """Return the head by which a hub files a card."""
    return f"---\n{ModelCardData(library_name='hardsight', tags=TAGS).to_yaml()}\n---"


def readable(text: str) -> str:
    """Return a card as UTF-8 can hold it: a folder's name may be none."""
    return os.fsencode(text).decode("utf-8", "replace")
