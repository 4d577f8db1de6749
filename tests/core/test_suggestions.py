import pytest

from hardsight.core.suggestions import choices, suggestion


@pytest.mark.parametrize(
    ("typed", "said"),
    [("pdg", "did you mean 'pgd'?"), ("SQUARES", "did you mean 'Square'?"), ("fog", "")],
)
def test_the_nearest_known_name_is_suggested_whatever_its_case(typed, said):
    assert suggestion(typed, ("pgd", "apgd", "Square")) == said


@pytest.mark.parametrize(
    ("typed", "said"),
    [("pdg", "choose from pgd, fab; did you mean 'pgd'?"), ("x", "choose from pgd, fab")],
)
def test_all_names_are_told_and_then_the_nearest(typed, said):
    assert choices(typed, iter(("pgd", "fab"))) == said
