from hardsight.evaluation.curves import falls, least_left
from hardsight.evaluation.results import Curve, Estimate


def curve(label, values, measure=""):
    points = tuple((x, Estimate(v, v, v)) for x, v in values.items())
    return Curve("title", label, {"pgd": points}, measure=measure)


CURVES = (
    curve("eps", {0.0: 0.9, 0.01: 0.8, 0.02: 0.85, 0.04: 0.1}),
    curve("L2 eps", {0.0: 0.9, 0.01: 0.2}),
    curve("eps", {0.0: 0.1, 0.01: 0.0}, measure="share of images"),
    curve("t*", {0.0: 0.1, 50.0: 0.0}),
    curve("severity of light", {0.0: 0.5, 0.1: 0.4}),
)


def test_the_least_that_is_left_is_of_the_threat_and_of_no_more_strength():
    assert least_left(CURVES, "Linf", 0.02).value == 0.8
    assert least_left(CURVES, "Linf", 0.04).value == 0.1
    assert least_left(CURVES, "L2", 0.5).value == 0.2
    assert least_left(CURVES, "Linf", 0.005) is None
    assert least_left(CURVES, "L1", 1.0) is None


def test_a_curve_falls_where_it_is_first_below_a_line_that_it_began_above():
    assert [(threat, at) for threat, at, _ in falls(CURVES, 0.85)] == [("Linf", 0.01), ("L2", 0.01)]
    assert [left.value for *_, left in falls(CURVES, 0.5)] == [0.1, 0.2, 0.4]
