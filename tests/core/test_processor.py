import platform

from hardsight.core.processor import cpu_name, instruction_sets

CPUS = """processor\t: 0
model name\t: A CPU of 2015: fast
flags\t\t: fpu avx avx2 avx512f avx512_bf16

processor\t: 1
model name\t: another
flags\t\t: amx_bf16
"""


def test_name_and_instruction_sets_come_from_the_kernel(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUS)
    assert cpu_name(path) == "A CPU of 2015: fast"
    assert instruction_sets(path) == ("AVX2", "AVX-512", "AVX-512 BF16")


def test_where_the_kernel_tells_nothing(tmp_path):
    assert cpu_name(tmp_path / "none") in (platform.processor(), platform.machine())
    assert instruction_sets(tmp_path / "none") == ()
