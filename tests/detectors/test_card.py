import re
from pathlib import Path

import torch
from huggingface_hub import ModelCard
from tiny_detector import tiny_advrad


def saved(folder: Path, **facts: str) -> str:
    detector = tiny_advrad(k=20, reference="error")
    detector = detector.calibrate(torch.rand(9, 3, 16, 16), 0.1)
    detector.save_pretrained(folder, model_card_kwargs=facts)
    return (folder / "README.md").read_text()


def test_the_card_says_what_the_weights_are(tmp_path):
    text = saved(tmp_path, preset="hardsight", start="runs/all, weights 0123")
    assert "- preset: hardsight\n- start: runs/all, weights 0123\n" in text
    assert "denoiser.patch=" in text
    assert ", k=20, " in text
    assert "{" not in text.split("```")[0]
    assert "At most 10 % of new normal images" in text
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.library_name == "hardsight"
    assert "anomaly-detection" in card.data.tags


def test_its_example_runs(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", saved(tmp_path), re.DOTALL)
    names = {"images": torch.rand(2, 3, 16, 16)}
    exec(code.replace("THIS FOLDER OR REPOSITORY", str(tmp_path)), names)
    assert names["prediction"].pred_score.shape == (2,)


def test_a_card_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    assert saved(tmp_path) == "mine"
