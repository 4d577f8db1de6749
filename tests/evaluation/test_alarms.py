import numpy as np

from hardsight.evaluation.alarms import alarms, counts
from hardsight.evaluation.verdict import strongest
from hardsight.reports.evaluation import markdown
from synthetic_evaluation import synthetic


def test_alarms_are_counted_strictly_above_the_threshold():
    scores = {"clean": np.array([[1.0, 1.0], [3.0, 1.0], [2.0, 4.0]])}
    labels = np.array([False, False, True])
    evaluation = synthetic(items=0, outputs=scores, labels=labels, threshold=2.0)
    assert counts(evaluation, "clean") == (1, 1, 0, 2)
    assert strongest(evaluation) is None
    assert strongest(synthetic(items=0)) == "eot-pgd"


def test_alarms_stand_for_each_threshold_and_each_radius():
    scores = {"clean": np.array([1.0, 3.0, 2.5]), "L-inf 2/255 (curve)": np.array([2.6, 3.2, 1.0])}
    evaluation = synthetic(
        items=0,
        labels=np.array([False, False, True]),
        outputs={"clean": scores["clean"][:, None]},
        decided=scores,
        thresholds={"normals under pgd": 3.1, "clean normals, before": 2.0},
    )
    assert alarms(evaluation) == [
        ("normals under pgd", "clean", 0, 1, 0, 2),
        ("normals under pgd", "L-inf 2/255 (curve)", 0, 1, 1, 2),
        ("clean normals, before", "clean", 1, 1, 1, 2),
        ("clean normals, before", "L-inf 2/255 (curve)", 0, 1, 2, 2),
    ]
    text = "\n".join(markdown(evaluation))
    assert "| L-inf 2/255 (curve) | clean normals, before | 0 of 1 | 2 of 2 |" in text
