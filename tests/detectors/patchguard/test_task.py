from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from tiny_patchguard import TINY, images, tiny_patchguard

from hardsight.attacks import Linf, value_and_gradient
from hardsight.detectors.patchguard import PatchObjective, PatchTask, Recipe, cell_labels
from hardsight.detectors.patchguard.adversary import FreePerturbation, attack_patches, misalignment
from hardsight.detectors.patchguard.attention import REGULARISERS


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def task(detector=None, turns=(), **recipe) -> PatchTask:
    detector = detector or tiny_patchguard(backbone=TINY | {"dropout": 0.0})
    stored = (images(6) * 255).byte()
    where = torch.ones(6, 1, 32, 32, dtype=torch.bool)
    return PatchTask(detector.network, stored, where, Recipe(**recipe), turns)


def attacked_by(kind: str, **more) -> dict:
    return {"adversary": {"kind": kind, "steps": 2, "mode": "eval"} | more}


def test_the_loss_is_four_terms_summed_over_patches():
    """Re-derived one image and one term at a time."""
    mine = task(**attacked_by("pgd"), regulariser={"layers": [2], "weights": [3.0]})
    mine.module.eval()
    rows = mine.batch(4, generator())
    x, where, seeds = rows
    normal = x.float() / 255
    pseudo, masks = mine.cut_paste(normal, where, generator(int(seeds[0])))
    total = torch.zeros(())
    for clean, cells in (
        (normal, torch.zeros(4, 1, 4, 4, dtype=torch.bool)),
        (pseudo, cell_labels(masks, 8)),
    ):
        adversarial = attack_patches(mine.module, clean, cells, mine.recipe.adversary, generator())
        for images_ in (clean, adversarial):
            for image, cell in zip(images_, cells, strict=True):
                logits, maps = mine.network.with_attention(image[None], (2,))
                loss = F.binary_cross_entropy_with_logits(
                    logits, cell[None].float(), reduction="sum"
                )
                total = total + (loss + 3.0 * REGULARISERS["kl-row"](maps[0], 1.0, 0.01)[0]) / 4
    torch.testing.assert_close(mine.loss(*rows), total, rtol=1e-4, atol=1e-4)


def test_clean_training_has_two_terms_and_no_attack():
    mine = task(**attacked_by("none"), regulariser={"kind": "none"})
    rows = mine.batch(3, generator())
    pseudo, masks = mine.cut_paste(rows[0].float() / 255, rows[1], generator(int(rows[2][0])))
    logits = mine.network(torch.cat([rows[0].float() / 255, pseudo]))
    labels = torch.cat([torch.zeros(3, 1, 4, 4), cell_labels(masks, 8).float()])
    each = F.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum((1, 2, 3))
    torch.testing.assert_close(mine.loss(*rows), each.sum() / 3)


def test_an_anomalous_patch_may_weigh_more():
    light, heavy = (task(**attacked_by("none"), anomalous_weight=w) for w in (1.0, 5.0))
    rows = light.batch(3, generator())
    assert heavy.loss(*rows) > light.loss(*rows)


@pytest.mark.parametrize("kind", ["none", "pgd", "fast", "free"])
@pytest.mark.parametrize("regulariser", ["none", "soft-degree"])
def test_every_part_gets_a_gradient(kind, regulariser):
    mine = task(**attacked_by(kind), regulariser={"kind": regulariser, "delta": 0.5})
    mine.loss(*mine.batch(2, generator())).backward()
    for name, p in mine.module.named_parameters():
        assert p.grad is not None, name
        assert p.grad.isfinite().all(), name
    assert all(p.requires_grad for p in mine.module.parameters())


def test_a_step_follows_from_its_rows_alone():
    mine, again = task(**attacked_by("fast")), task(**attacked_by("fast"))
    rows = mine.batch(3, generator(4))
    assert all(torch.equal(a, b) for a, b in zip(rows, again.batch(3, generator(4)), strict=True))
    torch.manual_seed(1)
    first = mine.loss(*rows)
    torch.manual_seed(2)
    assert torch.equal(first, again.loss(*rows))
    assert [r.shape[0] for r in rows] == [3, 3, 3]


def test_images_and_foreground_are_turned_together():
    mine = task(turns=("quarter turn", "flip"))
    mine.foreground = mine.images[:, :1] > 127
    x, where, _ = mine.batch(12, generator())
    assert torch.equal(where, x[:, :1] > 127)
    known = {t.numpy().tobytes() for t in mine.images}
    assert 0 < sum(t.numpy().tobytes() in known for t in x) < 12


@pytest.mark.parametrize("kind", ["pgd", "fast"])
def test_the_attack_makes_patches_worse_inside_the_ball(kind):
    network = tiny_patchguard().network
    x = images(4)
    labels = torch.zeros(4, 1, 4, 4, dtype=torch.bool)
    labels[2:, :, 1:3, 1:3] = True
    adversary = Recipe(**attacked_by(kind)).adversary
    found = attack_patches(network, x, labels, adversary, generator())
    objective = PatchObjective(network, labels)
    assert (Linf(8 / 255).distance(found, x) <= 8 / 255 + 1e-6).all()
    assert (objective(found) > objective(x)).all()
    assert not found.requires_grad


def test_the_mode_of_the_attack_is_as_asked():
    """In train mode dropout tells two attacks apart; in eval mode nothing does."""
    network = tiny_patchguard(backbone=TINY | {"dropout": 0.5}).network.train()
    labels = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    for mode, same in (("train", False), ("eval", True)):
        adversary = Recipe(**attacked_by("pgd", mode=mode)).adversary
        one, two = (
            attack_patches(network, images(2), labels, adversary, generator()) for _ in range(2)
        )
        assert torch.equal(one, two) == same
        assert network.training


def test_pgd_of_the_paper():
    """No random start; 10 steps of 2/255 at 8/255 (FACTS 1.5)."""
    attack = Recipe().adversary.attack()
    assert (attack.steps, attack.random_start, attack.ball) == (10, False, Linf(8 / 255))
    assert 2.5 * attack.ball.eps / attack.steps == pytest.approx(2 / 255)


def test_misalignment_is_nothing_where_the_gradient_is_constant():
    linear = torch.nn.Conv2d(3, 1, 8, stride=8)
    labels = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    found = misalignment(linear, images(2), labels, 0.1, generator())
    torch.testing.assert_close(found, torch.zeros(2), atol=1e-5, rtol=0)
    network = tiny_patchguard().network
    bent = misalignment(network, images(2), labels, 0.1, generator())
    assert (bent > 1e-4).all()
    assert bent.requires_grad


def test_misalignment_weighs_as_many_patches_as_an_image_has():
    """What is left of the loss without it is the rest, and the same for the same rows."""
    free, bound = (task(**attacked_by("fast", alignment=a)) for a in (0.0, 0.5))
    rows = free.batch(2, generator())
    extra = float(bound.loss(*rows) - free.loss(*rows))
    assert 0 < extra <= 0.5 * 16 * 2 * 2  # a cosine is at least -1, and each image counts twice


def test_a_free_perturbation_follows_the_gradient_of_the_loss():
    free = FreePerturbation(Linf(0.1))
    x = 0.3 + 0.4 * images(2)
    first = free.perturb(x)
    assert torch.equal(first, x)  # nothing is known yet
    weight = torch.randn(x.shape, generator=generator())
    (first * weight).sum().backward()
    torch.testing.assert_close(free.perturb(x).detach(), x + 0.1 * weight.sign())
    other = free.perturb(x[:1])
    assert torch.equal(other, x[:1])  # a batch of another size starts anew


def test_free_replays_each_batch():
    mine = task(**attacked_by("free", replays=3))
    seen = [mine.batch(2, generator(i)) for i in range(7)]
    same = [torch.equal(a[2], b[2]) for a, b in pairwise(seen)]
    assert same == [True, True, False, True, True, False]
    mine.loss(*seen[0]).backward()
    assert mine.free.held.abs().max() > 0


def test_free_uses_one_backward_pass_for_both():
    """Its perturbation is the sign of the gradient of the very loss that moved the weights."""
    mine = task(**attacked_by("free"), regulariser={"kind": "none"})
    rows = mine.batch(2, generator())
    mine.loss(*rows).backward()
    normal = rows[0].float() / 255
    pseudo, masks = mine.cut_paste(normal, rows[1], generator(int(rows[2][0])))
    clean = torch.cat([normal, pseudo])
    labels = torch.cat([torch.zeros(2, 1, 4, 4), cell_labels(masks, 8).float()])

    def loss(x, generator=None):
        logits = mine.network(x)
        return F.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum((1, 2, 3))

    _, gradient = value_and_gradient(loss, clean)
    ball = Linf(8 / 255)
    expected = ball.project(clean + ball.eps * gradient.sign(), clean) - clean
    same = (mine.free.held - expected).abs() < 1e-6
    assert same.float().mean() > 0.999  # but for gradients that round to another sign


def test_the_sample_is_a_picture():
    found = task().sample(tiny_patchguard().network)
    assert found.shape == (3, 4 * 96, 8 * 96)
    assert (found.min() >= 0) & (found.max() <= 1)


def test_no_images_and_foregrounds_of_others_are_refused():
    network = tiny_patchguard().network
    with pytest.raises(ValueError, match="as many foregrounds"):
        PatchTask(network, images(2), torch.ones(3, 1, 32, 32, dtype=torch.bool), Recipe())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"regulariser": {"layers": [1, 2], "weights": [1.0]}}, "one for each of 2 layers"),
        ({"adversary": {"kind": "pdg"}}, "fast"),
        ({"adversary": {"epsilon": 1}}, "epsilon"),
        ({"foreground": "gradcam"}, "grad-cam"),
    ],
)
def test_wrong_recipes_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**values)
