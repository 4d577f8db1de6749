import pytest

from hardsight.evaluation import Execution, Protocol, Smoothing, Terms
from hardsight.runs.figures import AttackChoice, CertificateChoice, ImageChoice, figures_of


def test_decoding_of_those_test_images_that_are_taken_is_told(run):
    told = []
    figures = figures_of(
        run, "cpu", progress=lambda stage, done, total, info="": told.append((stage, done, total))
    )
    figures.evaluation(ImageChoice(limit=4), AttackChoice(curve=""), Protocol())
    assert told == [("decode", i + 1, 4) for i in range(4)]


def test_a_curve_of_no_numbers_is_refused_before_images_are_decoded(run):
    told = []
    figures = figures_of(run, "cpu", progress=lambda *event: told.append(event))
    with pytest.raises(ValueError, match="eps='x' is not a number"):
        figures.evaluation(ImageChoice(limit=4), AttackChoice(curve="x"), Protocol())
    assert told == []


@pytest.mark.parametrize("synthetic", [False, True])
def test_an_audit_tells_of_the_decoding_of_its_images(run, synthetic):
    told = []
    execution = Execution(max_minutes=0.0, progress=lambda *event: told.append(event[:3]))
    images = ImageChoice(limit=4, synthetic=synthetic)
    figures_of(run, "cpu").audit(images, AttackChoice(eps="2/255"), execution=execution)
    count = 8 if synthetic else 4  # defects are made on good parts of the whole test set
    assert told[:count] == [("decode", i + 1, count) for i in range(count)]


def test_attacks_on_what_is_certified_have_the_minutes_that_certifying_left(run, monkeypatch):
    """A certificate that took all of them leaves none."""
    monkeypatch.setattr("hardsight.evaluation.plan.minutes_until", lambda moment: 0.0)
    how = Smoothing(batch_size=20, pixels=0)
    choice = CertificateChoice(Terms(0.1, 20, radii=(0.0, 0.05)), how, attacks=["fgsm"])
    execution = Execution(max_minutes=60)
    (found,) = figures_of(run, "cpu").certificates(ImageChoice(limit=4), choice, execution)
    assert len(found.labels) == 4
    assert found.attacks == ()
    assert "Time ran out: fgsm at radius 0.05 was left out." in found.notes
