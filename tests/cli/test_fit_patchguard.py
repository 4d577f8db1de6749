import json

from typed import call, words

TINY = """
description: A PatchGuard of 16 x 16 pixels that trains in a second, for tests.
method: patchguard
detector:
  backbone: {patch_size: 4, embed_dim: 24, depth: 2, num_heads: 2}
  image_size: 16
  k: 3
  sigma: 1.0
  radius: 2
training: {steps: 4, batch_size: 2, precision: 32-true, accelerator: cpu}
selection: {images: 2, steps: 1}
recipe: {adversary: {steps: 1}, foreground: all}
"""


def test_fit_evaluate_and_score_as_with_any_method(parts, tmp_path):
    preset, run = tmp_path / "tiny.yaml", tmp_path / "run"
    preset.write_text(TINY)
    done = call("fit", preset, "--data", parts, "--run", run, "--set", "recipe.adversary.kind=fast")
    assert done.exit_code == 0, words(done)
    assert "false alarm" in words(done)
    done = call(
        "evaluate", run, "--suite", "pgd", "--suite", "map-pgd", "--suite", "segpgd", "--steps", 4,
        "--eps", "8/255", "--curve", "", "--gallery", 2, "--fresh-draws", 1,
    )  # fmt: skip
    assert done.exit_code == 0, words(done)
    report = json.loads((run / "evaluation/report.json").read_text())
    assert {r["attack"].split()[0] for r in report["rows"]} == {"clean", "pgd", "map-pgd", "segpgd"}
    done = call("score", run, parts / "test", "-o", tmp_path / "s.csv")
    assert done.exit_code == 0, words(done)
    assert "patchguard" in words(call("methods"))


def test_settings_of_another_method_are_refused(parts, tmp_path):
    done = call(
        "fit", "patchguard", "--data", parts, "--run", tmp_path / "r", "--set", "k_by_category.x=3"
    )
    assert done.exit_code == 1
    assert "setting of the methods advrad and bastion, not of patchguard" in words(done)
