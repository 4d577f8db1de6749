"""What a validation found wrong, as a message says it."""

import pytest
from pydantic import BaseModel, ValidationError

from hardsight.core.validation import first_problem


class Part(BaseModel):
    sizes: list[int]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"sizes": [1, "x"]}', "sizes.1: Input should be a valid integer"),
        ("{}", "sizes: Field required"),
        ("{", "Invalid JSON: EOF while parsing"),
    ],
)
def test_the_place_stands_before_what_is_wrong_there(text, said):
    with pytest.raises(ValidationError) as told:
        Part.model_validate_json(text)
    assert first_problem(told.value).startswith(said)
