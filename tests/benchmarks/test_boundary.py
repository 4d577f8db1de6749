import numpy as np
import pytest
import torch
from boundary import (
    boundary_svg,
    class_map,
    margins,
    write_boundary_html,
)
from gaussian_mixture import Mixture, MixtureDenoiser, even_schedule
from torch import Generator, nn
from torch.nn import functional as F

from hardsight.attacks import L2, PGD, MarginObjective
from hardsight.attacks.objectives.draws import evaluate_draws
from hardsight.purifiers import DDIMPurifier, Purified

MIXTURE = Mixture.rings()


class Halves(nn.Module):
    """Class 1 right of x = 0.3."""

    def forward(self, x):
        s = x[:, 0, 0, 0] - 0.3
        return torch.stack([-s, s], 1)


def test_margins_of_a_straight_boundary():
    classes = class_map(Halves(), 201)
    assert classes[:, :61].max() == 0
    assert classes[:, 62:].min() == 1
    points = torch.tensor([[0.1, 0.5], [0.8, 0.2], [0.5, 0.5]], dtype=torch.float64)
    found = margins(classes, points, torch.tensor([0, 1, 0]))
    np.testing.assert_allclose(found, [0.2, 0.5, 0.0], atol=0.01)
    assert margins(np.zeros((5, 5), int), points, torch.zeros(3).long()).min() == np.inf


def fit(seed):
    """Ten layers that have learnt the data by heart (Figure 3a)."""
    x, y = MIXTURE.sample(10_000, Generator().manual_seed(0))
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        layers = [nn.Flatten(), nn.Linear(2, 64), nn.ReLU()]
        for _ in range(8):
            layers += [nn.Linear(64, 64), nn.ReLU()]
        model = nn.Sequential(*layers, nn.Linear(64, 2)).double()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for part in torch.randint(len(x), (300, 128), generator=Generator().manual_seed(1)):
        optimizer.zero_grad()
        F.cross_entropy(model(x[part].view(-1, 1, 1, 2)), y[part]).backward()
        optimizer.step()
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def fitted():
    """Four networks, and each of them behind a purifier with the exact score (Figure 3b)."""
    sigma = 0.02
    denoiser = MixtureDenoiser(MIXTURE, even_schedule(10, 1 / (1 + 4 * sigma**2)))
    purifier = DDIMPurifier(denoiser, depth=9, skip=1)
    models = [fit(seed) for seed in range(4)]
    return [(m, Purified(purifier, m, draws=6, combine="vote")) for m in models]


def test_purification_widens_the_margin(fitted, tmp_path):
    points, labels = MIXTURE.sample(200, Generator().manual_seed(1))
    narrow = []
    for pair in fitted:
        maps = [class_map(m, 81, Generator().manual_seed(0)) for m in pair]
        found = [margins(m, points, labels) for m in maps]
        assert found[0].min() > 0  # it does know the data
        narrow.append([np.quantile(m, 0.05) for m in found])
    plain, wide = np.mean(narrow, axis=0)
    assert wide > 1.2 * plain
    named = dict(zip(("without", "with"), maps, strict=True))
    page = write_boundary_html(named, points, labels, tmp_path / "page.html").read_text()
    assert boundary_svg(named, points, labels) in page
    assert f"{narrow[-1][1]:.3f}" in page


def test_and_an_attack_feels_it(fitted):
    points, labels = MIXTURE.sample(100, Generator().manual_seed(1))
    x = points.view(-1, 1, 1, 2)

    def robust(victim):
        attack = PGD(L2(0.07), steps=15)
        generator = Generator().manual_seed(0)
        found = attack(MarginObjective(victim, labels, 12), x, generator).images
        return float(
            (evaluate_draws(victim, found, 1, generator).argmax(1) == labels).float().mean()
        )

    plain, wide = np.mean([[robust(m) for m in pair] for pair in fitted], axis=0)
    assert wide > plain + 0.05
