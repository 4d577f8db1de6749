import numpy as np
from sklearn.metrics import roc_auc_score

from hardsight.attacks import build_suite
from hardsight.evaluation import Protocol, Smoothing, Terms, certify, evaluate
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


def test_attacks_of_the_same_name_and_radius_keep_a_name_each(bright, make_set):
    """So that what each did stands beside its row."""
    data = make_set([100, 104], [102, 110])
    suites = [build_suite("pgd", eps="2/255", steps=n) for n in (1, 2, 3)]
    found = evaluate(bright(), data, suites, protocol=Protocol(2, gallery=0))
    names = ["clean", "pgd", "pgd L-inf 2/255", "pgd L-inf 2/255 (2)"]
    assert [row.attack for row in found.main] == list(found.outputs) == names
    for row in found.main:
        assert row.mean.value == roc_auc_score(found.labels, found.scores(row.attack))


def test_a_certification_shows_its_rows_and_none_of_its_arrays(bright, make_set):
    data, terms = make_set([100, 104], [102, 110]), Terms(0.1, 20, radii=(0.0, 0.1))
    found = certify(bright(), data, terms, smoothing=Smoothing(pixels=0))
    shown = repr(found).splitlines()
    assert shown[0] == f"Certification({found.title!r}, 4 images"
    assert shown[1:] == [f"  {found.rows[0]}", f"  {found.rows[1]})"]
