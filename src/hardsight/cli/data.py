"""``hardsight data``: look at a data set before training on it, or write the embedded one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from hardsight.cli.console import beware, console, errors, explained, say
from hardsight.cli.options import Bits, not_with, only_with
from hardsight.cli.progress import told
from hardsight.core.near import check_there
from hardsight.core.outputs import check_folder
from hardsight.core.words import quoted

if TYPE_CHECKING:
    from hardsight.data import ImageSet
    from hardsight.evaluation.distribution_shift import Shift

SIZE, EMBEDDED = 256, 128
"""Pixels of the side of images, where no size is named; of the embedded data set."""


def data(
    context: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A data set or its URL, or the folder to write the embedded one to.",
        ),
    ],
    category: Annotated[str | None, typer.Option(help="Category below the folder.")] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Image size in pixels. Default: 256, of the embedded data set 128."
        ),
    ] = None,
    bits: Bits = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Write the embedded photographs with synthetic defects there."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the embedded data set.")] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hold every category against its published counts.")
    ] = False,
) -> None:
    """Check a data set: decode every file, count them, list what cannot be used.

    Says what was taken for granted and left out, which masks are missing, unused, grey or thin,
    which held-out images are copies of training images, and whether 16-bit files are half empty.

    Where there are normal and anomalous test images it also tells what brightness, contrast and
    sharpness of the whole picture know of them: a test set whose good parts were not taken like
    those of training flatters a detector, or fools its threshold. And where defects have masks,
    how well pixels are ranked by marking the whole object: what a heat map has to exceed.

    `--verify` is for a published data set as a whole: it names the layout, decodes every file, and
    tells by category what is missing, corrupt or not as many as published, and where to obtain it.
    A category is known by the name of its folder.

    Exit code 1 if a file cannot be used.

    Examples:

        hardsight data parts/
        hardsight data mvtec --verify
        # the embedded photographs, to try things on
        hardsight data textures/ --write
    """
    with explained():
        if write:
            not_with(context, "--write", "category", "bits", "verify")
            check_folder(Path(path), "DATA")
        else:
            only_with(context, "--write", "seed")
            check_there(path, "DATA")
        if verify:
            not_with(context, "--verify", "size", "bits")
    from hardsight.config import DataConfig, load_data
    from hardsight.data import TEXTURES, findings, write_textures
    from hardsight.data.places import below
    from hardsight.evaluation.distribution_shift import distribution_shifts

    with explained():
        if write:
            written = write_textures(path, size=size or EMBEDDED, seed=seed)
            say(f"Wrote {', '.join(TEXTURES)} into {written}.")
            first = quoted(written / TEXTURES[0])
            say(f"Next: hardsight fit patchcore --data {first} --run runs/first")
            return
        if verify:
            _verify(below(path, category or "."))
            return
        place = DataConfig(path=path, category=category, bits=bits, on_error="skip")
        with told() as progress:
            found = load_data(place, size or SIZE, progress=progress)
            known = findings(found, progress)
            labels = found.test.labels
            both = labels.any() and not labels.all()
            shifts = distribution_shifts(found, progress) if both else []
        table = Table("role", "normal", "anomalous", "masks", title=found.name)
        for role in ("train", "validation", "test"):
            part = getattr(found, role)
            bad = int(part.labels.sum())
            with_mask = sum(bool(s.masks) for s in part.samples)
            table.add_row(role, str(len(part) - bad), str(bad), str(with_mask))
        console.print(table)
        for finding in known:
            beware(finding)
        if shifts:
            _tell_shifts(shifts)
            _tell_object(found.test)
        for error in found.skipped:
            say(("unusable:", "red"), f" {error}", to=errors)
    if found.skipped:
        raise typer.Exit(1)


def _verify(path: str) -> None:
    """Print what is missing and corrupt, with exit code 1 if anything is."""
    from hardsight.data import verify

    with told() as progress:
        found = verify(path, progress)
    columns = ("train", "validation", "good", "anomalous", "masks")
    heads = ("train", "held out", "good", "anomalous", "masks")
    category = Column("category", overflow="fold")
    table = Table(category, "layout", *heads, "published as", title=path, pad_edge=False)
    for one in found.categories:
        counts = (str(getattr(one.found, column)) for column in columns)
        table.add_row(one.name, one.layout, *counts, one.published.title if one.published else None)
    console.print(table)
    for one in found.categories:
        for note in one.notes:
            beware(f"{one.name}: {note}")
        for problem in one.problems:
            say(("wrong:", "red"), f" {one.name}: {problem}", to=errors)
    for problem in found.problems:
        say(("wrong:", "red"), f" {problem}", to=errors)
    for published, names in found.missing:
        say(("missing:", "red"), f" {', '.join(names)}; {published.how_to_obtain()}", to=errors)
    if not found.is_sound:
        raise typer.Exit(1)
    known = [one for one in found.categories if one.published]
    unknown = [one.name for one in found.categories if not one.published]
    held = ", and no count is other than the published one" if known else ""
    of = f" of {', '.join(unknown)}" if known else ""
    rest = f"; no published counts are known{of or ' for it'}" if unknown else ""
    say(f"Every file can be read{held}{rest}.")


def _tell_shifts(known: "list[Shift]") -> None:
    from hardsight.evaluation.distribution_shift import warning

    table = Table("AUROC of", "defects, in the test set", "good parts, test against training")
    for one in known:
        table.add_row(one.name, f"{one.defects.higher:.3f}", f"{one.good.higher:.3f}")
    console.print(table)
    if text := warning(known):
        beware(text)


def _tell_object(test: "ImageSet") -> None:
    from hardsight.metrics import pixel_auroc
    from hardsight.synthesis import foreground

    masks = test.masks()
    if masks is not None:
        value = pixel_auroc(foreground(test.images()).numpy(), masks.numpy())
        say(f"Pixel AUROC of marking the whole object, no defect known: {value:.3f}")
