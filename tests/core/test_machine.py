from hardsight.core.machine import (
    instruction_sets,
    processor,
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
