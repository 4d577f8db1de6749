import pytest

from hardsight.core.words import counted, fraction_of_255, in_words, listed


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 masks"), (1, "1 mask"), (2, "2 masks"), (1234, "1,234 masks")]
)
def test_a_noun_is_plural_unless_there_is_one(count, said):
    assert counted(count, "mask") == said


@pytest.mark.parametrize(
    ("names", "said"), [([], ""), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")]
)
def test_of_many_names_the_first_few_are_told_and_how_many_more_there_are(names, said):
    assert listed(names, 2) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, ""),
        ({"a": 1, "b": {"c": {"d": "x"}, "e": None}}, "a=1, b.c.d=x, b.e=null"),
        ({"detector.pose": {"on": False}, "empty": {}}, "detector.pose.on=false, empty={}"),
        ({"at": (1, 2.5), "parts": [{"a": 1, "b": {"c": 2}}]}, "at=[1, 2.5], parts=[{a=1, b.c=2}]"),
        (1e-5, "1e-05"),
        (True, "true"),
        ("one", "one"),
    ],
)
def test_settings_are_told_as_they_are_set(value, said):
    assert in_words(value) == said


def test_an_intensity_is_written_in_steps_of_a_byte():
    found = [fraction_of_255(e) for e in (0.0, 0.00784, 8 / 255, 0.0123)]
    assert found == ["0", "2/255", "8/255", "0.0123"]
