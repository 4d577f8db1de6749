from hardsight.evaluation import Protocol
from hardsight.runs.figures import AttackChoice, ImageChoice, figures_of


def test_decoding_of_those_test_images_that_are_taken_is_told(run):
    told = []
    figures = figures_of(
        run, "cpu", progress=lambda stage, done, total, info="": told.append((stage, done, total))
    )
    figures.evaluation(ImageChoice(limit=4), AttackChoice(curve=""), Protocol())
    assert told == [("decode", i + 1, 4) for i in range(4)]
