import pytest
import torch
import torch.nn.functional as F
from tiny_autoencoders import tiny

from hardsight.detectors.autoencoders import OCRGAN
from hardsight.detectors.autoencoders.bands import frequency_bands
from hardsight.detectors.autoencoders.channel_selection import ChannelSelection
from hardsight.detectors.autoencoders.ocr_gan import CONTENT
from hardsight.synthesis import CutPaste


def images(n, seed=0):
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_channel_is_shared_out_among_the_branches():
    torch.manual_seed(0)
    select = ChannelSelection(3, 8)
    features = [torch.randn(2, 8, 4, 4) for _ in range(3)]
    weights = select.weights(features)
    torch.testing.assert_close(sum(weights), torch.ones(2, 8, 1, 1))
    for found, w, f in zip(select(features), weights, features, strict=True):
        assert torch.equal(found, w * f)
    assert weights[0].std() > 0


def test_one_branch_keeps_all_its_channels():
    features = [torch.randn(2, 8, 4, 4)]
    assert torch.equal(ChannelSelection(1, 8)(features)[0], features[0])


def test_one_band_is_a_plain_autoencoder():
    generator, x = tiny(OCRGAN, bands=1).generator, images(2)
    torch.testing.assert_close(generator(x), generator.branches[0](x))


def test_the_reconstruction_is_the_sum_of_what_the_branches_make_of_their_bands():
    """With shares of 1 in place of the selection, which the branches' own networks know not."""
    generator, x = tiny(OCRGAN).generator, images(2)
    for select in generator.selections:
        select.forward = lambda features: features
    bands = frequency_bands(x, 2)
    expected = sum(b(band) for b, band in zip(generator.branches, bands, strict=True))
    torch.testing.assert_close(generator(x), expected)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_score_is_the_papers_and_the_mean_of_the_unfiltered_map(share):
    detector, x = tiny(OCRGAN, latent_weight=share, filter_size=1), images(2)
    r = detector.reconstruct(x).squeeze(1)
    features = detector.discriminator.features
    content = (x - r).square().mean((1, 2, 3))
    latent = (features(x) - features(r)).square().mean((1, 2, 3))
    found = detector(x)
    torch.testing.assert_close(found.pred_score, (1 - share) * content + share * latent)
    torch.testing.assert_close(found.anomaly_map.mean((1, 2, 3)), found.pred_score)


def losses(detector, x, seed):
    """The generator's and the discriminator's loss (B,), each by itself."""
    r, d = detector.generator(x), detector.discriminator
    pseudo, _ = CutPaste()(x, torch.ones_like(x[:, :1], dtype=torch.bool), seeded(seed))
    ones, zeros = torch.ones(len(x)), torch.zeros(len(x))

    def told(images, label):
        logits = d.judge(d.features(images))
        return F.binary_cross_entropy_with_logits(logits, label, reduction="none")

    apart = F.mse_loss(d.features(r), d.features(x), reduction="none").mean((1, 2, 3))
    generator = CONTENT * (x - r).abs().mean((1, 2, 3)) + apart + told(r, ones)
    return generator, told(x, ones) + told(r.detach(), zeros) + told(pseudo, zeros)


def gradients(total, module):
    return torch.autograd.grad(total, list(module.parameters()), retain_graph=True)


def test_each_network_follows_its_own_loss_alone():
    detector, x = tiny(OCRGAN), images(4)
    total = detector.adversarial_loss(x, seeded(3))
    generator, discriminator = losses(detector, x, 3)
    torch.testing.assert_close(total, generator + discriminator)
    for network, own in (
        (detector.generator, generator),
        (detector.discriminator, discriminator),
    ):
        found, expected = gradients(total.sum(), network), gradients(own.sum(), network)
        for mine, other in zip(found, expected, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)
    assert all(p.requires_grad for p in detector.parameters())


def test_settings_of_the_bands_out_of_range_are_refused():
    for bands in (0, 9, 10):
        with pytest.raises(ValueError, match=f"got {bands} bands of 256 x 256 pixels"):
            OCRGAN(bands=bands)
    with pytest.raises(ValueError, match=r"latent_weight must be in \[0, 1\], got 1\.5"):
        OCRGAN(latent_weight=1.5)
