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


@pytest.mark.parametrize(
    ("attacks", "said"),
    [
        (AttackChoice(curve="x"), "eps='x' is not a number"),
        (AttackChoice(["transfer"]), "give one as source"),
    ],
)
def test_attacks_that_cannot_be_are_refused_before_images_are_decoded(run, attacks, said):
    told = []
    figures = figures_of(run, "cpu", progress=lambda *event: told.append(event))
    with pytest.raises(ValueError, match=said):
        figures.evaluation(ImageChoice(limit=4), attacks, Protocol())
    assert told == []


@pytest.mark.parametrize("synthetic", [False, True])
def test_an_audit_tells_of_the_decoding_of_its_images(run, synthetic):
    told = []
    execution = Execution(max_minutes=0.0, progress=lambda *event: told.append(event[:3]))
    images = ImageChoice(limit=4, synthetic=synthetic)
    figures_of(run, "cpu").audit(images, AttackChoice(eps="2/255"), execution=execution)
    count = 8 if synthetic else 4  # defects are made on good parts of the whole test set
    assert told[:count] == [("decode", i + 1, count) for i in range(count)]


@pytest.mark.parametrize(
    ("suite", "said"),
    [("transfer", "crafts its attack on another model"), ("map-pgd", "and not the map")],
)
def test_attacks_that_a_certificate_knows_nothing_of_are_refused_before_it_is_made(
    run, suite, said
):
    told = []
    how = Smoothing(batch_size=20, pixels=0)
    choice = CertificateChoice(Terms(0.1, 20, radii=(0.0, 0.05)), how, attacks=["pgd", suite])
    execution = Execution(progress=lambda *event: told.append(event[0]))
    with pytest.raises(ValueError, match=said):
        figures_of(run, "cpu").certificates(ImageChoice(limit=4), choice, execution)
    assert set(told) <= {"decode"}


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
