"""A bundle is the run that it was made of, and everything else is refused."""

import io
import json
import shutil
import struct
import subprocess
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.core.run_folders import BundleError
from hardsight.runs import RunError, open_run, recalibrate
from hardsight.runs.bundles.archive import Archive, write_archive
from hardsight.runs.bundles.manifest import BundleManifest
from hardsight.runs.bundles.opening import KEY
from hardsight.runs.bundles.verification import verify_bundle
from hardsight.runs.bundles.writing import BundleOptions, write_bundle


@pytest.fixture(scope="module")
def bundle(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundles") / "part.hsb"
    write_bundle(run, path, BundleOptions(references=4))
    return path


def rezipped(bundle, target, changed=None, entry=None, compression=zipfile.ZIP_STORED):
    """The files of a bundle in another zip file, some with other bytes, one added."""
    with zipfile.ZipFile(bundle) as before, zipfile.ZipFile(target, "w", compression) as after:
        for name in before.namelist():
            after.writestr(name, (changed or {}).get(name, before.read(name)))
        if entry:
            after.writestr(*entry)
    return target


def test_a_bundle_scores_as_its_run_does(run, bundle):
    opened = open_run(bundle)
    images = run.data().test.images()
    expected, found = (r.deciding("cpu").decide(images) for r in (run, opened))
    torch.testing.assert_close(found.pred_score, expected.pred_score, rtol=0, atol=0)
    assert found.pred_label.equal(expected.pred_label)
    assert opened.config == run.config
    assert opened.name == "part.hsb"
    assert opened.reports == bundle.parent / "part-reports"
    assert run.reports == run.path


def test_the_unpacked_files_are_gone_with_the_run(bundle):
    opened = open_run(bundle)
    folder = opened.path
    assert folder.is_dir()
    del opened
    assert not folder.exists()


def test_a_bundle_is_a_zip_file_of_plain_files_with_their_hashes(run, bundle):
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("bundle.json"))
        for name in ("model.safetensors", "calibration.json", "config.yaml", "README.md"):
            assert archive.read(name) == (run.path / name).read_bytes()
        assert "Apache License" in archive.read("licences/hardsight-LICENSE").decode()
    assert names[0] == "bundle.json"
    assert set(names[1:]) == set(manifest["files"])
    labels = [one["label"] for one in manifest["references"]]
    assert len(labels) == 4
    assert {name.partition("-")[0] for name in names if "/" in name} >= {"references/normal"}


def test_the_same_run_gives_the_same_bytes(run, bundle, tmp_path):
    again = tmp_path / "again.hsb"
    write_bundle(run, again, BundleOptions(references=4))
    assert again.read_bytes() == bundle.read_bytes()


def test_verification_scores_the_reference_images_again(run, bundle):
    found = verify_bundle(bundle)
    assert found.problems == []
    assert found.found == found.manifest.references
    with zipfile.ZipFile(bundle) as archive:
        first = found.manifest.references[0]
        pixels = np.array(Image.open(io.BytesIO(archive.read(first.file))))
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    assert run.deciding("cpu").decide(tensor).pred_score.item() == pytest.approx(first.score)


def test_another_score_is_told(bundle, tmp_path):
    with zipfile.ZipFile(bundle) as archive:
        manifest = BundleManifest.parse(archive.read("bundle.json"))
        contents = {name: archive.read(name) for name in manifest.files}
    first, *rest = manifest.references
    moved = first.model_copy(update={"score": first.score + 2 * manifest.tolerance})
    forged = manifest.model_copy(update={"references": (moved, *rest), "model": "0" * 16})
    path = tmp_path / "forged.hsb"
    write_archive(path, forged.content(), None, contents)
    model, score = verify_bundle(path).problems
    assert "the model's hash is" in model
    assert score.startswith(f"{first.file} scores")


def test_without_reference_images_nothing_is_scored_and_no_data_is_needed(run, tmp_path):
    lost = open_run(run.path)
    lost.config = lost.config.updated({"data.path": "nowhere"})
    with pytest.raises(RunError, match="--references 0"):
        write_bundle(lost, tmp_path / "a.hsb")
    assert not (tmp_path / "a.hsb").exists()
    write_bundle(lost, tmp_path / "a.hsb", BundleOptions(references=0))
    assert verify_bundle(tmp_path / "a.hsb").found == ()


def test_an_export_is_taken_along_where_there_is_one(run, tmp_path):
    with pytest.raises(RunError, match="hardsight export"):
        write_bundle(run, tmp_path / "a.hsb", BundleOptions(references=0, exported=True))


def test_a_bundle_is_not_changed(bundle):
    with pytest.raises(RunError, match="never changed"):
        recalibrate(open_run(bundle))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_bundle_is_refused(bundle, tmp_path, share):
    content, path = bundle.read_bytes(), tmp_path / "cut.hsb"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BundleError, match="is no bundle, or is truncated"):
        open_run(path)


def test_a_changed_file_is_refused(bundle, tmp_path):
    with zipfile.ZipFile(bundle) as archive:
        weights = bytearray(archive.read("model.safetensors"))
    weights[-1] ^= 1
    path = rezipped(bundle, tmp_path / "a.hsb", {"model.safetensors": bytes(weights)})
    with pytest.raises(BundleError, match=r"model\.safetensors was changed"):
        open_run(path)
    path = rezipped(bundle, tmp_path / "b.hsb", {"model.safetensors": b"short"})
    with pytest.raises(BundleError, match=r"model\.safetensors is missing or has another size"):
        open_run(path)


def test_any_flipped_byte_is_refused_or_changes_nothing(bundle, tmp_path):
    """No other error than a refusal, and no other file than those that were bundled."""
    rng, content = np.random.default_rng(0), bundle.read_bytes()
    with Archive(bundle) as archive:
        hashes = {name: part.sha256 for name, part in archive.manifest.files.items()}
    tail = len(content) - len(hashes) * 80
    places = [*rng.integers(0, len(content), 15), *rng.integers(tail, len(content), 60)]
    for i, place in enumerate(places):
        path, folder = tmp_path / f"{i}.hsb", tmp_path / str(i)
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        try:
            with Archive(path) as archive:
                archive.extract(folder)
                found = archive.manifest
        except BundleError:
            continue
        assert {name: part.sha256 for name, part in found.files.items()} == hashes


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\evil", "C:evil", ""])
def test_names_that_leave_the_folder_are_refused(bundle, tmp_path, name):
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("bundle.json"))
    part = {"size": 4, "sha256": "0" * 64}
    head = json.dumps(manifest | {"files": manifest["files"] | {name: part}}).encode()
    path = rezipped(bundle, tmp_path / "a.hsb", {"bundle.json": head}, (name or "x", b"evil"))
    with pytest.raises(BundleError, match="which is no plain file name"):
        open_run(path)
    assert not list(tmp_path.parent.glob("evil"))


def test_a_file_that_nobody_named_is_refused(bundle, tmp_path):
    path = rezipped(bundle, tmp_path / "a.hsb", entry=("../evil", b"x"))
    with pytest.raises(BundleError, match=r"which bundle\.json does not name"):
        open_run(path)


def test_a_file_that_is_there_twice_is_refused(bundle, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = rezipped(bundle, tmp_path / "a.hsb", entry=("config.yaml", b"x"))
    with pytest.raises(BundleError, match=r"'config\.yaml' twice"):
        open_run(path)


def test_zip_bombs_are_refused_unread(bundle, tmp_path):
    path = rezipped(bundle, tmp_path / "a.hsb", compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(BundleError, match="is compressed or encrypted"):
        open_run(path)
    content = bundle.read_bytes()  # two sizes of one file, in the directory at the end
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"model.safetensors"))
    huge = content[: entry + 20] + struct.pack("<II", 2**31, 2**31) + content[entry + 28 :]
    (tmp_path / "b.hsb").write_bytes(huge)
    with pytest.raises(BundleError, match="claim more bytes than it has"):
        open_run(tmp_path / "b.hsb")


def test_other_files_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(BundleError, match=r"it has no bundle\.json"):
        open_run(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("bundle.json", '{"format": 2}')
    with pytest.raises(BundleError, match="written by a newer hardsight"):
        open_run(tmp_path / "b.zip")


def keys(folder, name):
    """A pair of keys, as the help of the command says to make them."""
    private, public = folder / f"{name}.pem", folder / f"{name}-public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return private, public


def test_signatures(run, bundle, tmp_path, monkeypatch):
    pytest.importorskip("cryptography", reason="needs the extra sign")
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make keys")
    private, public = keys(tmp_path, "mine")
    _, other = keys(tmp_path, "other")
    signed = tmp_path / "signed.hsb"
    write_bundle(run, signed, BundleOptions(references=2, private_key=private))
    assert verify_bundle(signed, public).problems == []
    assert open_run(signed).name == "signed.hsb"
    monkeypatch.setenv(KEY, str(public))
    assert open_run(signed).name == "signed.hsb"
    with pytest.raises(BundleError, match="it is not signed, and only bundles signed for"):
        open_run(bundle)
    monkeypatch.delenv(KEY)
    with pytest.raises(BundleError, match="its signature is not that of"):
        open_run(signed, other)
    with Archive(bundle) as before:  # another bundle under the signature of the first
        signature, theirs = before.signature, before.manifest_bytes
    assert signature is None
    swapped = rezipped(signed, tmp_path / "swapped.hsb", {"bundle.json": theirs})
    with pytest.raises(BundleError, match="is refused"):
        open_run(swapped, public)
    gone = tmp_path / "gone.pem"
    for what in (
        lambda: open_run(signed, gone),
        lambda: write_bundle(run, tmp_path / "b.hsb", BundleOptions(0, private_key=gone)),
    ):
        with pytest.raises(BundleError, match=f"{gone} is not there; make one with: openssl"):
            what()
    with pytest.raises(BundleError, match="no public key"):
        open_run(signed, private)
    with pytest.raises(BundleError, match="no private key"):
        write_bundle(run, tmp_path / "b.hsb", BundleOptions(references=0, private_key=public))
    assert not (tmp_path / "b.hsb").exists()
