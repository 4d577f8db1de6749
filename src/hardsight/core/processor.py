"""Which CPU computes, and what it can do."""

import platform
from pathlib import Path

_INFO = Path("/proc/cpuinfo")
_SETS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_bf16": "AMX BF16",
    "asimd": "NEON",
    "sve": "SVE",
    "bf16": "BF16",
}
"""Flag of the kernel -> name of an instruction set that networks gain by."""


def cpu_name(info: Path = _INFO) -> str:
    """Return the CPU's model from the kernel's list, or its architecture."""
    return _fields(info).get("model name") or platform.processor() or platform.machine()


def instruction_sets(info: Path = _INFO) -> tuple[str, ...]:
    """Return which instruction sets that networks gain by the kernel lists; none elsewhere."""
    fields = _fields(info)
    flags = f"{fields.get('flags', '')} {fields.get('Features', '')}".split()
    return tuple(name for flag, name in _SETS.items() if flag in flags)


def _fields(info: Path) -> dict[str, str]:
    """The lines ``key : value`` of the first CPU."""
    if not info.is_file():
        return {}
    first = info.read_text(encoding="utf-8").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
