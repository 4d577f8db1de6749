"""Free memory is what the machine has and what control groups allow, whichever is less."""

import pytest

from hardsight.core.available import memory, within_groups

V1 = "9:name=systemd:/\n4:memory:/box/own\n0::/\n"
UNLIMITED = "9223372036854771712\n"


def version_1(limit: str, used: int, stat: str = "total_cache 0\n") -> dict[str, str]:
    return {
        "memory/box/own/memory.limit_in_bytes": limit,
        "memory/box/own/memory.usage_in_bytes": f"{used}\n",
        "memory/box/own/memory.stat": stat,
    }


def version_2(group: str, limit: str, used: int, stat: str = "anon 5\n") -> dict[str, str]:
    return {
        f"{group}/memory.max": f"{limit}\n",
        f"{group}/memory.current": f"{used}\n",
        f"{group}/memory.stat": stat,
    }


@pytest.mark.parametrize(
    ("own", "files", "free", "whole"),
    [
        ("0::/a\n", version_2("a", "max", 70), 100, 200),
        ("0::/a\n", version_2("a", "90", 70), 20, 90),
        ("0::/a\n", version_2("a", "90", 70, "active_file 5\ninactive_file 15\n"), 40, 90),
        ("0::/a\n", version_2("a", "190", 10), 100, 190),
        ("0::/a\n", version_2("a", "90", 95), 0, 90),
        ("0::/a/b\n", version_2("a", "80", 60) | version_2("a/b", "90", 10), 20, 80),
        (V1, version_1(UNLIMITED, 70), 100, 200),
        (V1, version_1("90\n", 70), 20, 90),
        (
            V1,
            version_1("90\n", 70, "inactive_file 1\ntotal_cache 9\ntotal_inactive_file 7\n"),
            27,
            90,
        ),
        ("3:cpu:/a\n", version_2("a", "1", 0), 100, 200),
    ],
)
def test_the_tightest_group_limits_what_is_free(tree, own, files, free, whole):
    assert within_groups(100, 200, *tree(own, files)) == (free, whole)


def test_this_machine_has_memory_left():
    found = memory()
    assert 0 < found.free <= found.whole
