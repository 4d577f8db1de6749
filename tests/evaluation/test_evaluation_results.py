import numpy as np

from hardsight.evaluation.results import Estimate, Evaluation, Row


def test_an_evaluation_shows_its_rows_and_none_of_its_arrays():
    rows = (
        Row("clean", "image", "AUROC", Estimate(0.9876, 0.9, 1.0)),
        Row("pgd", "image", "AUROC", Estimate(0.5, 0.4, 0.6)),
    )
    found = Evaluation("Bright on parts", {}, np.zeros(3), {"clean": np.zeros((3, 10))}, rows)
    assert repr(found).splitlines() == [
        "Evaluation('Bright on parts', 3 images",
        "  clean: image AUROC 0.988",
        "  pgd: image AUROC 0.500)",
    ]
