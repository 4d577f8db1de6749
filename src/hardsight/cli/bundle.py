"""``hardsight bundle`` and ``verify``: a fitted detector as one file, and whether it is intact."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hardsight.cli.console import console, errors, explained, say
from hardsight.cli.options import Device, OtherData, RunFolder, check_given
from hardsight.core.outputs import check_file
from hardsight.core.run_folders import check_bundle
from hardsight.core.words import quoted

if TYPE_CHECKING:
    from hardsight.runs.bundles.verification import Verification


def bundle(
    run: RunFolder,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write, part.hsb.")],
    references: Annotated[
        int,
        typer.Option(
            min=0,
            help="Reference images that the file holds with their scores, at most: half held-out "
            "normals, half anomalous test images.",
        ),
    ] = 8,
    exported: Annotated[
        bool, typer.Option("--exported", help="Take along what `hardsight export RUN` wrote.")
    ] = False,
    sign: Annotated[
        Path | None, typer.Option(help="PEM file of the Ed25519 private key that signs.")
    ] = None,
    path: OtherData = None,
) -> None:
    """Write a finished run of a detector as one file, which takes the run's place everywhere.

    A zip file of weights, settings, calibration, card, licence texts and reference images, with the
    SHA-256 of each. The same run gives the same bytes. Signing needs the extra `sign`, and a key.

    Examples:

        hardsight bundle runs/bottle -o bottle.hsb
        # with a key of one's own
        openssl genpkey -algorithm ed25519 -out key.pem
        openssl pkey -in key.pem -pubout -out public.pem
        hardsight bundle runs/bottle -o bottle.hsb --sign key.pem
    """
    check_given(run, data=path)
    from hardsight.runs import open_detector_run
    from hardsight.runs.bundles.writing import BundleOptions, write_bundle

    with explained():
        check_file(output, "--output")
        options = BundleOptions(references, path, exported, sign)
        found = write_bundle(open_detector_run(run), output, options)
        signed = f"signed with {sign}" if sign else "not signed"
        say(f"{len(found.files)} files of model {found.model}, {signed}: ", (str(output), "bold"))
        made = quoted(output)
        say(f"Next: hardsight verify {made}   or: hardsight score {made} IMAGES")


def verify(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="A file that `hardsight bundle` wrote.")
    ],
    key: Annotated[
        Path | None,
        typer.Option(help="PEM file of the public key that it must be signed for."),
    ] = None,
    device: Device = "cpu",
) -> None:
    """Check a bundle's hashes and signature, and score its reference images again.

    Every command that opens a bundle checks its hashes; where the environment variable
    `HARDSIGHT_BUNDLE_KEY` names a public key, it refuses what is not signed for that key.

    Exit code 0; 1 if the bundle is refused or scores otherwise here.

    Examples:

        hardsight verify bottle.hsb --key public.pem
    """
    with explained():
        check_bundle(bundle)
    from hardsight.runs.bundles.verification import verify_bundle

    with explained():
        found = verify_bundle(bundle, key, device)
        console.print(_table(found))
        say(f"{len(found.manifest.files)} files have the SHA-256 that the manifest says.")
        say(_signature(found))
        if not found.found:
            say("There is no reference image, so no score was held against another machine's.")
        for problem in found.problems:
            say(("wrong:", "red"), f" {problem}", to=errors)
    if found.problems:
        raise typer.Exit(1)


def _signature(found: "Verification") -> str:
    if found.key is not None:
        return f"Signed for {found.key}."
    if found.signed:
        return "It has a signature, which was not checked: name the public key with --key."
    return "It is not signed: whoever changed it could have changed its hashes too."


def _table(found: "Verification") -> Table:
    table = Table("reference image", "score when bundled", "score here", "label")
    for expected, now in zip(found.manifest.references, found.found, strict=True):
        label = "anomalous" if now.label else "normal"
        table.add_row(expected.file, f"{expected.score:.6g}", f"{now.score:.6g}", label)
    return table
