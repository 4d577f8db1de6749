import numpy as np
import torch
from sklearn.decomposition import PCA
from tiny_autoencoders import tiny

from hardsight.attacks import PGD, Linf
from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.autoencoders import PLS
from hardsight.detectors.autoencoders.pls import take_components


def images(n, seed=0):
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_a_fit_ends_with_the_components_of_the_training_images():
    detector, normals = tiny(PLS), (images(40) * 255).byte()
    take_components(detector, normals)
    with torch.no_grad():
        latents = detector.encoder(normals / 255)
    vectors = latents.permute(0, 2, 3, 1).reshape(-1, 4).numpy()
    basis = detector.cascade.vector.basis.numpy()
    theirs = PCA(2).fit(vectors).components_
    np.testing.assert_allclose(basis @ basis.T, theirs.T @ theirs, atol=1e-4)


def test_without_an_attack_the_loss_is_the_squared_error():
    detector, x = tiny(PLS), images(3)
    loss = detector.attacked_loss(x, torch.Generator(), None)
    expected = (x - detector.reconstruct(x).squeeze(1)).square().mean((1, 2, 3))
    torch.testing.assert_close(loss, expected)


def test_training_minimises_what_the_attack_maximises():
    detector, x = tiny(PLS), images(3)
    take_components(detector, (images(40, seed=1) * 255).byte())

    def error(images, generator=None):
        return (x - detector.reconstruct(images).squeeze(1)).square().mean((1, 2, 3))

    adversary = PGDAdversary(eps=0.01, steps=3)
    attacked = PGD(Linf(0.01), 3, random_start=False).last(error, x)
    assert (error(attacked) > error(x)).all()
    loss = detector.attacked_loss(x, torch.Generator(), adversary)  # moves the components meanwhile
    torch.testing.assert_close(loss, error(attacked))


def test_the_components_carry_no_gradient_and_follow_the_attacked_latents():
    detector, x = tiny(PLS), images(3)
    loss = detector.attacked_loss(x, torch.Generator(), None)
    loss.sum().backward()
    assert all(p.grad is not None for p in detector.parameters())
    vectors = detector.encoder(x).permute(0, 2, 3, 1).reshape(-1, 4)
    torch.testing.assert_close(detector.cascade.vector.mean, vectors.mean(0).detach())
    assert not detector.cascade.vector.basis.requires_grad
