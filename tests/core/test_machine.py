import math
import os

from hardsight.core.machine import (
    _quota,
    instruction_sets,
    memory,
    processor,
    usable_cpus,
    used_instructions,
)

INTEL = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu avx avx2 avx512f amx_bf16
processor\t: 1
model name\t: another
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\n"


def test_what_linux_tells_of_a_processor():
    assert processor(INTEL) == "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"
    assert instruction_sets(INTEL) == ("avx", "avx2", "avx512f", "amx_bf16")
    assert instruction_sets(ARM) == ("asimd", "bf16")
    assert instruction_sets("") == ()


def test_this_machine_is_told():
    assert processor()
    assert used_instructions()
    free, whole = memory()
    assert 0 < free <= whole


def test_no_more_cpus_than_the_process_may_use():
    assert 0 < usable_cpus() <= os.cpu_count()


def test_a_cgroup_grants_parts_of_a_cpu():
    assert _quota("150000 100000") == 1.5
    assert math.isinf(_quota("max 100000"))
