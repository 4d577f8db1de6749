import math

import pytest

from hardsight.core.extras import needed


def test_what_is_there_is_returned():
    assert needed("math", "nothing", "counting") is math


def test_what_is_not_there_says_how_to_get_it():
    expected = r"a camera needs nowhere: pip install 'hardsight\[x\]', or take a folder \("
    with pytest.raises(ImportError, match=expected):
        needed("nowhere.at_all", "'hardsight[x]'", "a camera", "take a folder")
    with pytest.raises(ImportError, match=r"^scoring needs nowhere: pip install p \("):
        needed("nowhere", "p", "scoring")
