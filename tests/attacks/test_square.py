import pytest
import torch
from analytic_victims import Linear

from hardsight.attacks import L2, Linf, Square
from hardsight.attacks.squares import _bump, _pattern, concentrate, recolour, stripes, tiles


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("ball", [Linf(8 / 255), L2(0.5)])
def test_linear_victim_of_cifar_size_is_beaten_within_the_default_budget(ball):
    """White weights, the hardest there are, and images of which many pixels stop at the bounds."""
    victim = Linear((3, 32, 32))
    victim.w = victim.w.float()
    x = torch.rand(2, 3, 32, 32, generator=seeded(1))
    found = Square(ball)(victim, x, seeded())
    gain = victim(found.images) - victim(x)
    assert torch.all(gain >= 0.9 * victim.best_gain(ball, x))
    assert found.queries == 5000
    assert torch.all(ball.distance(found.images, x) <= ball.eps + 1e-6)


def test_published_search_alone_climbs_weights_of_one_sign():
    """No sweep. In L2 the patterns are half bright and half dark, and get less far."""
    x = torch.full((3, 1, 8, 8), 0.5)

    def brightness(images, generator=None):
        return images.mean((1, 2, 3))

    for ball, share in ((Linf(0.1), 0.9), (L2(0.8), 0.4)):  # the best gain of both is 0.1
        found = Square(ball, queries=600, sweep=0)(brightness, x, seeded())
        assert torch.all(found.objective - 0.5 >= share * 0.1)


@pytest.mark.parametrize(("ball", "share"), [(Linf(0.1), 0.85), (L2(1.0), 0.63)])
def test_one_lucky_draw_does_not_stick(ball, share):
    """Every fiftieth value is far too high: held as they came, such values would end the search."""
    victim, x = Linear((1, 6, 6)), torch.full((8, 1, 6, 6), 0.5, dtype=torch.float64)

    def lucky(images, generator=None):
        luck, little = torch.rand(2, len(images), generator=generator)
        return victim(images) + 100 * (luck < 0.02) + 1e-9 * little

    found = Square(ball, queries=1500, sweep=0)(lucky, x, seeded())
    gain = victim(found.images) - victim(x)
    sober = Square(ball, queries=750, sweep=0)(victim, x, seeded())
    assert gain.mean() >= share * (sober.objective - victim(x)).mean()
    assert found.queries <= 1500


def test_squares_are_halved_where_the_paper_halves_them(monkeypatch):
    """Section 5: of 10,000 queries after 10, 50, 200, 1,000, 2,000, 4,000, 6,000 and 8,000."""
    asked = []

    def recorded(images, centre, eps, p, generator):
        asked.append(p)
        return images

    monkeypatch.setattr("hardsight.attacks.square.recolour", recorded)
    Square(Linf(0.1), queries=10_003, p_init=0.64, sweep=0)(
        lambda images, generator=None: images.sum((1, 2, 3)), torch.rand(1, 1, 2, 2), seeded()
    )
    halved = [i for i in range(1, len(asked)) if asked[i] != asked[i - 1]]
    assert halved == [n + 1 for n in (10, 50, 200, 1000, 2000, 4000, 6000, 8000)]
    assert [asked[i] for i in (0, *halved)] == [0.64 / 2**n for n in range(9)]


def test_slopes_of_smaller_cells_at_the_border_count_by_their_pixels():
    """Sixteen cells of side 2 on 7 x 7: an even weight in each leaves nothing between them."""
    x = torch.full((1, 1, 7, 7), 0.5, dtype=torch.float64)
    weights = torch.randn(1, 1, 4, 4, generator=seeded(3), dtype=torch.float64)
    w = weights.repeat_interleave(2, 2).repeat_interleave(2, 3)[..., :7, :7]

    def victim(images, generator=None):
        return (w * images).sum((1, 2, 3))

    found = Square(L2(0.2), queries=45)(victim, x, seeded())
    assert float(found.objective - victim(x)) >= 0.97 * 0.2 * float(w.norm())


def test_slopes_are_measured_from_a_mean_under_noise():
    victim, x = Linear((1, 6, 6)), torch.full((8, 1, 6, 6), 0.5, dtype=torch.float64)

    def noisy(images, generator=None):
        noise = torch.randn(len(images), generator=generator, dtype=images.dtype)
        return victim(images) + 0.01 * noise

    found = Square(Linf(0.1), queries=1000)(noisy, x, seeded())
    gain = victim(found.images) - victim(x)
    assert torch.all(gain >= 0.9 * victim.best_gain(Linf(0.1), x))


def test_a_last_evaluation_on_fresh_noise_is_what_is_reported():
    answers = []

    def noise(images, generator=None):
        answers.append(torch.rand(len(images), generator=generator))
        return answers[-1]

    found = Square(Linf(0.1), queries=50)(noise, torch.full((4, 1, 4, 4), 0.5), seeded())
    assert torch.equal(found.objective, answers[-1])
    assert found.queries == len(answers) <= 50


def test_proposals_recolour_one_square_an_image():
    centre = torch.full((64, 2, 8, 8), 0.5)
    x = stripes(centre, 0.1, seeded())
    assert torch.equal(x, x[:, :, :1].expand_as(x))
    changed = (recolour(x, centre, 0.1, 0.2, seeded(1)) != x).any(1)
    corners = set()
    for one in changed:
        rows, columns = one.any(1).nonzero().flatten(), one.any(0).nonzero().flatten()
        assert 0 < len(rows) <= 4  # sqrt(0.2 * 64) is 3.6
        assert rows[-1] - rows[0] < 4
        assert columns[-1] - columns[0] < 4
        corners.add((int(rows[0]), int(columns[0])))
    assert len(corners) > 5
    torch.testing.assert_close((recolour(x, centre, 0.1, 0.2, None) - centre).abs(), 0 * x + 0.1)


@pytest.mark.parametrize("p", [0.8, 0.2, 0.01])
def test_concentration_keeps_the_length_of_the_change(p):
    centre = torch.rand(16, 3, 9, 9, dtype=torch.float64, generator=seeded())
    x = tiles(centre, 0.5, seeded(1))
    torch.testing.assert_close(L2(0.5).distance(x, centre), torch.full((16,), 0.5).double())
    for step in range(20):
        x = concentrate(x, centre, 0.5, p, seeded(step))
        torch.testing.assert_close(L2(0.5).distance(x, centre), torch.full((16,), 0.5).double())


def test_the_bump_is_the_papers_sum():
    """Eq. 2 by loops, for all small rectangles; its two halves make a pattern of length 1."""
    like = torch.zeros((), dtype=torch.float64)
    for height in range(1, 7):
        for width in range(1, 7):
            n = height // 2
            for r in range(1, height + 1):
                for s in range(1, width + 1):
                    m = n - max(abs(r - n - 1), abs(s - width // 2 - 1))
                    value = sum(1 / (n + 1 - k) ** 2 for k in range(m + 1))
                    if m >= 0:
                        assert float(_bump(height, width, like)[r - 1, s - 1]) == pytest.approx(
                            value
                        )
    for side in range(1, 9):
        pattern = _pattern(side, like)
        assert pattern.shape == (side, side)
        assert float(pattern.norm()) == pytest.approx(1)


def test_same_seed_same_images_and_no_step_without_radius():
    x = torch.rand(2, 1, 5, 7, generator=seeded())
    victim = Linear((1, 5, 7))
    victim.w = victim.w.float()
    for ball in (Linf(0.1), L2(0.3)):
        a, b = (Square(ball, queries=100)(victim, x, seeded(4)).images for _ in range(2))
        assert torch.equal(a, b)
        nothing = type(ball)(0.0)
        assert torch.equal(Square(nothing, queries=60)(victim, x, seeded()).images, x)


@pytest.mark.parametrize("wrong", [{"queries": 2}, {"p_init": 0.0}, {"sweep": 1.5}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Square(Linf(0.1), **wrong)
