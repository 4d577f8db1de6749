import pytest

from hardsight.core.suggestions import suggestion


@pytest.mark.parametrize(
    ("typed", "said"),
    [("pdg", "did you mean 'pgd'?"), ("SQUARES", "did you mean 'Square'?"), ("fog", "")],
)
def test_the_nearest_known_name_is_suggested_whatever_its_case(typed, said):
    assert suggestion(typed, ("pgd", "apgd", "Square")) == said
