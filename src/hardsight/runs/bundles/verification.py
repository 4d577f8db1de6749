"""Verification of a bundle: hashes, signature, and the scores of its reference images."""

from dataclasses import dataclass
from pathlib import Path

from hardsight.evaluation.provenance import fingerprint
from hardsight.runs.bundles.archive import Archive
from hardsight.runs.bundles.manifest import BundleManifest, Reference
from hardsight.runs.bundles.opening import check_signed
from hardsight.runs.bundles.writing import score_references
from hardsight.runs.opening import open_detector_run


@dataclass(frozen=True)
class Verification:
    """What a bundle turned out to be on this machine; its hashes are right, or there were none."""

    manifest: BundleManifest
    key: Path | None
    """Public key for which it is signed; None: none was asked for."""
    signed: bool
    """Whether it has a signature, checked or not."""
    model: str
    """Hash of weights and settings as they were loaded here."""
    found: tuple[Reference, ...]
    """What the reference images score here."""

    @property
    def problems(self) -> list[str]:
        """What is not as the manifest says, in sentences; empty: all is."""
        told = []
        if self.model != self.manifest.model:
            told.append(f"the model's hash is {self.model} here, not {self.manifest.model}")
        for expected, now in zip(self.manifest.references, self.found, strict=True):
            if abs(now.score - expected.score) > self.manifest.tolerance:
                told.append(
                    f"{now.file} scores {now.score:.6g} here, not {expected.score:.6g} (tolerance "
                    f"{self.manifest.tolerance:.2g})"
                )
            elif now.label != expected.label:
                told.append(f"{now.file} has another label here: its score is at the threshold")
        return told


def verify_bundle(
    path: str | Path, public_key: Path | None = None, device: str = "cpu"
) -> Verification:
    """Check hashes and signature of a bundle, and score its reference images again.

    Args:
        path: of the bundle.
        public_key: that it must be signed for, see ``check_signed``.
        device: where images are scored.

    Raises:
        FileNotFoundError: there is no such file, or no such key.
        BundleError: it is no bundle, truncated, changed, or not signed for the key.
    """
    with Archive(Path(path)) as archive:
        key = check_signed(archive, public_key)
        manifest, signed = archive.manifest, archive.signature is not None
    run = open_detector_run(path, public_key)
    detector = run.deciding(device)
    images = {one.file: (run.path / one.file).read_bytes() for one in manifest.references}
    found = score_references(detector, images) if images else ()
    return Verification(manifest, key, signed, fingerprint(detector), found)
