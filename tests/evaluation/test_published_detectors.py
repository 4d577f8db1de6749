import numpy as np
import pytest

from hardsight.attacks import L2, Linf
from hardsight.detectors.methods import METHODS
from hardsight.evaluation.published import published_auroc, published_average
from hardsight.evaluation.published.baselines import AVERAGES, BASELINES
from hardsight.evaluation.published.detectors import _PGD

SMALL = Linf(2 / 255)


def test_figures_of_freerad_are_those_of_its_tables():
    found = published_auroc("FreeRAD", "bottle", "pgd", SMALL)
    assert found == (pytest.approx(0.881), "FreeRAD, Table 2")
    found = published_auroc("FreeRAD", "bottle", "eot-pgd", L2(0.2))
    assert found == (pytest.approx(0.943), "FreeRAD, Table 5")
    assert published_auroc("FreeRAD", "bottle", "pgd", Linf(8 / 255)) is None
    assert published_auroc("FreeRAD", "bottle", "pgd") is None
    assert published_auroc("FreeRAD", "brick", "clean") is None
    assert published_auroc("FreeRAD", "bottle", "clean", target="pixel") is None
    assert published_auroc(None, "bottle", "clean") is None


def test_figures_of_baselines_are_those_that_freerad_measured():
    found = published_auroc("CFA", "bottle", "pgd", L2(0.2))
    assert found == (pytest.approx(0.746), "FreeRAD, Table 3")
    assert published_auroc("SPADE", "screw", "clean").value == pytest.approx(0.667)
    assert published_auroc("FastFlow", "screw", "pgd", SMALL).value == pytest.approx(0.066)
    assert published_auroc("SPADE", "bottle", "eot-pgd", SMALL) is None


@pytest.mark.parametrize("method", ["FreeRAD", "OCR-GAN", "SPADE", "CFlow", "CFA"])
def test_printed_averages_are_the_means_of_the_rows(method):
    rows = ({"FreeRAD": _PGD} | BASELINES)[method]
    assert len(rows) == 15
    np.testing.assert_allclose(np.mean(list(rows.values()), axis=0), AVERAGES[method][1], atol=0.06)


def test_averages_of_methods_without_rows():
    assert published_average("PLS", "clean") == (pytest.approx(0.464), "FreeRAD, Table 4")
    assert published_average("RAE", "pgd", L2(0.2)) == (pytest.approx(0.498), "FreeRAD, Table 12")
    assert published_average("APAE", "bpda", SMALL).value == pytest.approx(0.3)
    assert published_average("PLS", "bpda", SMALL) is None
    assert published_average("PLS", "pgd", Linf(8 / 255)) is None
    assert published_average(None, "clean") is None


def test_figures_of_patchguard_are_those_of_its_own_attack():
    ball = Linf(8 / 255)
    assert published_auroc("PatchGuard", "screw", "clean").value == pytest.approx(0.554)
    found = published_auroc("PatchGuard", "screw", "pgd", ball)
    assert found == (pytest.approx(0.566), "PatchGuard, Table 13")
    pixel = published_auroc("PatchGuard", "screw", "map-pgd", ball, "pixel")
    assert pixel.value == pytest.approx(0.865)
    assert published_auroc("PatchGuard", "screw", "pgd", ball, "pixel") is None
    assert published_auroc("PatchGuard", "screw", "pgd", SMALL) is None


def test_every_method_that_freerad_measured_names_its_figures():
    named = {method.detector.paper for method in METHODS.values()}
    assert set(AVERAGES) - {"CFA"} <= named
