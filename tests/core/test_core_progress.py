from hardsight.core.progress import quiet


def test_nobody_hears_whatever_is_told():
    assert quiet() is quiet("train", 1, 2) is quiet("train", 1, 2, info="loss 0.1") is None
    assert quiet(0.5, 3, True) is None
