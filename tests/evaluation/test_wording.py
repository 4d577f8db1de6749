from hardsight.attacks import THREATS, build_suite
from hardsight.evaluation.wording import (
    change,
    figure,
    option,
    pairs,
    radius,
    span,
    threat_name,
)


def test_numbers_are_written_as_people_write_them():
    assert radius("Linf", 2 / 255) == "L-inf 2/255"
    assert [threat_name(n) for n in ("Linf", "L2", "light")] == ["L-inf", "L2", "light"]
    assert radius("L2", 0.2) == "L2 0.2"
    assert radius("L2", 128 / 255) == "L2 128/255"
    assert [pairs(share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "0 %",
        "less than 1 %",
        "50 %",
        "more than 99 %",
        "100 %",
    ]


def test_a_threat_is_written_as_a_threshold_is_calibrated_under_it():
    given = [option(*one) for one in (("Linf", 2 / 255), ("L2", 0.2), ("light", 0.1))]
    assert given == ["linf:2/255", "l2:0.2", "light:0.1"]
    for norm in ("Linf", "L2", *THREATS):
        name, _, eps = option(norm, 0.2).partition(":")
        assert build_suite("pgd", name, eps).ball == build_suite("pgd", norm, eps).ball


def test_auroc_is_a_share_of_one_and_accuracy_in_per_cent():
    assert figure(0.97649, "AUROC") == figure(0.97649, "AUPRO") == "0.976"
    assert figure(0.7704, "accuracy") == "77.0 %"
    assert span(0.9, 1.0, "AUROC, held-out") == "0.900 to 1.000"
    assert span(0.7, 0.81, "accuracy") == "70.0 to 81.0 %"
    assert [change(d, "AUROC") for d in (-0.0125, 0.04, -1e-9)] == ["-0.013", "+0.040", "+0.000"]
    assert change(-0.0125, "accuracy") == "-1.2"
