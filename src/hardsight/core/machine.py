"""What a machine is: its processor and instruction sets."""

import platform
from pathlib import Path

import torch

FLAGS = ("avx", "avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "sve")
"""Instruction sets that networks gain by, as Linux calls them."""
_CPUINFO = Path("/proc/cpuinfo")


def processor(cpuinfo: str | None = None) -> str:
    """Return the processor's name.

    Args:
        cpuinfo: text of /proc/cpuinfo; None: this machine's.
    """
    return _entry("model name", cpuinfo) or platform.processor() or platform.machine()


def instruction_sets(cpuinfo: str | None = None) -> tuple[str, ...]:
    """Return those of ``FLAGS`` that the processor has; empty where the system tells none."""
    listed = f"{_entry('flags', cpuinfo)} {_entry('Features', cpuinfo)}".split()
    return tuple(flag for flag in FLAGS if flag in listed)


def used_instructions() -> str:
    """Return the highest instruction set that torch uses, e.g. AVX2; see ATEN_CPU_CAPABILITY."""
    return torch.backends.cpu.get_cpu_capability()


def _entry(key: str, cpuinfo: str | None) -> str:
    """Read the first value of a key of /proc/cpuinfo; empty if it has none."""
    if cpuinfo is None:
        cpuinfo = _CPUINFO.read_text() if _CPUINFO.is_file() else ""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""
