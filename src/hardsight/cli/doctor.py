"""``hardsight doctor``: what this machine is, and what is missing for which command."""

import platform
from importlib.metadata import version

from rich.table import Table
from rich.text import Text

from hardsight.cli.console import console, explained


def doctor() -> None:
    """Print what hardsight found here: processor, precision, threads, memory, devices, extras.

    A report of a fault is understood sooner with this table in it.

    Examples:

        hardsight doctor
    """
    with explained():
        console.print(_machine())
        console.print(_extras())


def _machine() -> Table:
    """Return facts of the machine, and what follows from them."""
    import torch

    from hardsight.core import machine
    from hardsight.core.available import memory
    from hardsight.core.devices import pick_device
    from hardsight.core.precision import resolve
    from hardsight.core.threads import usable_cpus

    device = pick_device("auto")
    chosen = resolve("auto", device)
    found = memory()
    table = Table("", "here", title="Machine")
    table.add_row("hardsight", f"{version('hardsight')}, torch {torch.__version__}")
    table.add_row("Python", f"{platform.python_version()} on {platform.platform()}")
    table.add_row("processor", machine.processor())
    used = f"torch uses {machine.used_instructions()}"
    table.add_row("instruction sets", ", ".join((*machine.instruction_sets(), used)))
    threads = f"{torch.get_num_threads()} compute; the process may use {usable_cpus()} CPUs"
    table.add_row("threads", threads)
    if found is not None:
        table.add_row("memory", f"{found.free:.1f} of {found.whole:.1f} GiB free")
    table.add_row("devices", ", ".join(_devices()))
    table.add_row("precision", f"{chosen.name} on {device}: {chosen.why}")
    return table


def _devices() -> list[str]:
    """List the devices that ``--device`` takes, the default first."""
    import torch

    found = [
        f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())
    ]
    return [*found, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def _extras() -> Table:
    """List what is installed beside the package, and what it is for."""
    from hardsight.core.installed import extras

    table = Table("extra", "installed", "needed for", title="Extras")
    for extra in extras():
        lacking = f"no: {', '.join(extra.missing)}\n{extra.install}"
        there = Text(lacking, "yellow") if extra.missing else Text("yes", "green")
        table.add_row(extra.name, there, extra.purpose)
    return table
