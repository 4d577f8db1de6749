"""PatchGuard's recipe as a straight PyTorch loop: the reference that our step is held against.

One image after the other is cut, distorted and pasted on the CPU with Pillow and scikit-image; the
network writes down all attention; single precision; each of the four terms is a pass of its own.
Its Perlin noise is enlarged random noise, far quicker than a loop over pixels: in its favour.
"""

import io
import random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFilter
from skimage.transform import swirl
from torch import Tensor, nn
from torchvision import transforms
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

LEVELS = {
    "light": (["blur", "elastic", "swirl"], 1, 0.1, 0.1),
    "medium": (["blur", "elastic", "swirl", "jpeg"], 2, 0.4, 0.3),
    "heavy": (["blur", "elastic", "swirl", "jpeg", "lines", "perlin", "erase"], 4, 0.9, 0.5),
}
RANGES = {
    "blur": {"light": (0.2, 0.5), "medium": (0.8, 1.5), "heavy": (2, 3)},
    "elastic": {"light": (10, 20), "medium": (20, 40), "heavy": (40, 100)},
    "swirl": {"light": (0.5, 1), "medium": (1, 1.5), "heavy": (1.5, 2)},
    "jpeg": {"medium": (20, 30), "heavy": (1, 20)},
}


def pseudo_anomaly(image: Image.Image, foreground: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """Return a defective copy and its mask (H, W), one try after the other."""
    height, width = foreground.shape
    places = np.argwhere(foreground)
    x1 = y1 = x2 = y2 = 0
    w = h = 14
    for _ in range(250):
        (y1, x1), (y2, x2) = places[np.random.randint(len(places), size=2)]
        widest = min(_run(foreground[y1, x1:]), _run(foreground[y2, x2:]))
        highest = min(_run(foreground[y1:, x1]), _run(foreground[y2:, x2]))
        for _ in range(10):
            w, h = random.randint(0, widest), random.randint(0, highest)
            inside = [foreground[y : y + h, x : x + w].all() for y, x in ((y1, x1), (y2, x2))]
            if all(inside):
                break
        if w >= 14 and h >= 14 and all(inside):
            break
    else:
        w = h = 14
        x1, x2 = min(x1, width - 14), min(x2, width - 14)
        y1, y2 = min(y1, height - 14), min(y2, height - 14)
    patch = distorted(image.crop((x1, y1, x1 + w, y1 + h))).convert("RGBA")
    patch = patch.rotate(random.uniform(-90, 90), expand=True).resize((w, h), Image.BICUBIC)
    alpha = patch.getchannel("A").point(lambda a: 255 if a else 0)
    defective = image.copy()
    defective.paste(patch.convert("RGB"), (int(x2), int(y2)), alpha)
    mask = np.zeros((height, width), dtype=bool)
    mask[y2 : y2 + h, x2 : x2 + w] = np.asarray(alpha) > 0
    return defective, mask


def _run(line: np.ndarray) -> int:
    """Pixels of foreground from the first on."""
    gaps = np.flatnonzero(~line)
    return int(gaps[0]) if len(gaps) else len(line)


def distorted(patch: Image.Image) -> Image.Image:
    """Apply some operations of a level, and always a colour jitter, one after the other."""
    level = random.choices(list(LEVELS), [0.2, 0.2, 0.6])[0]
    names, most, amount, hue = LEVELS[level]
    chosen = random.sample(names, random.randint(0, most))
    chosen.insert(random.randint(0, len(chosen)), "jitter")
    for name in chosen:
        patch = operate(patch, name, level, amount, hue)
    return patch


def operate(patch: Image.Image, name: str, level: str, amount: float, hue: float) -> Image.Image:
    """Apply one operation."""
    w, h = patch.size
    value = random.uniform(*RANGES[name][level]) if name in RANGES else 0.0
    if name == "jitter":
        return transforms.ColorJitter(amount, amount, amount, hue)(patch)
    if name == "blur":
        return patch.filter(ImageFilter.GaussianBlur(value))
    if name == "elastic":
        return transforms.ElasticTransform(value, 3.0)(patch)
    if name == "swirl":
        turned = swirl(np.asarray(patch), strength=value, radius=max(w, h))
        return Image.fromarray((turned * 255).astype(np.uint8))
    if name == "jpeg":
        file = io.BytesIO()
        patch.save(file, "JPEG", quality=int(value))
        return Image.open(file).convert("RGB")
    if name == "lines":
        pen = ImageDraw.Draw(patch)
        for _ in range(random.randint(10, 20)):
            ends = [(random.randrange(w), random.randrange(h)) for _ in range(2)]
            pen.line(ends, fill=tuple(random.choice((0, 255)) for _ in range(3)))
        return patch
    if name == "perlin":
        field = np.array(transforms.Resize((h, w))(torch.rand(1, max(2, h // 7), max(2, w // 7))))
        pixels = np.array(patch)
        pixels[field[0] > random.uniform(128, 150) / 255] = np.random.randint(0, 256, 3)
        return Image.fromarray(pixels)
    pixels = np.array(patch)
    for _ in range(random.randint(3, 5)):
        eh, ew = max(1, int(h * 0.2)), max(1, int(w * 0.2))
        y, x = random.randint(0, h - eh), random.randint(0, w - ew)
        pixels[y : y + eh, x : x + ew] = np.random.randint(0, 256, 3)
    return Image.fromarray(pixels)


def spoil(images: Tensor, foreground: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 3, H, W) uint8, (B, 1, H, W) bool -> float images and bool masks, image by image."""
    pairs = [
        pseudo_anomaly(to_pil_image(image), where[0].numpy())
        for image, where in zip(images.cpu(), foreground.cpu(), strict=True)
    ]
    defective = torch.stack([pil_to_tensor(image) for image, _ in pairs]).float() / 255
    return defective, torch.stack([torch.from_numpy(mask)[None] for _, mask in pairs])


def to_stock_layers(network: nn.Module) -> None:
    """Replace our layers by those of PyTorch, with the same weights; no attention is fused."""
    for module in list(network.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, nn.Dropout):
                setattr(module, name, nn.Dropout(part.p))
            elif isinstance(part, nn.Conv2d):
                stock = nn.Conv2d(3, part.out_channels, part.kernel_size, part.stride)
                stock.load_state_dict(part.state_dict())
                setattr(module, name, stock.to(part.weight.device))
        if hasattr(module, "fused_attn"):
            module.fused_attn = False


def attack(network: nn.Module, x: Tensor, labels: Tensor, eps: float, steps: int) -> Tensor:
    """PGD on the difference of the patches' mean logits, from the images themselves."""
    delta = torch.zeros_like(x)
    anomalous = labels.flatten(1)
    for _ in range(steps):
        delta.requires_grad_(True)
        logits = network(x + delta).flatten(1)
        loss = torch.zeros((), device=x.device)
        for i in range(len(x)):
            if (~anomalous[i]).any():
                loss = loss + logits[i][~anomalous[i]].mean()
            if anomalous[i].any():
                loss = loss - logits[i][anomalous[i]].mean()
        (gradient,) = torch.autograd.grad(loss, delta)
        delta = (delta + 2.5 * eps / steps * gradient.sign()).clamp(-eps, eps).detach()
        delta = (x + delta).clamp(0, 1) - x
    return (x + delta).detach()


def step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    foreground: Tensor,
    cell: int,
    eps: float,
    steps: int,
) -> float:
    """One step: make anomalies, attack both labels, four terms, one update; return the loss."""
    device = next(network.parameters()).device
    normal = images.to(device).float() / 255
    defective, masks = (t.to(device) for t in spoil(images, foreground))
    cells = F.max_pool2d(masks.float(), cell)
    zeros = torch.zeros_like(cells)
    total = torch.zeros((), device=device)
    for clean, labels in ((normal, zeros), (defective, cells)):
        adversarial = attack(network, clean, labels > 0, eps, steps)
        for x in (clean, adversarial):
            loss = F.binary_cross_entropy_with_logits(network(x), labels, reduction="none")
            total = total + loss.flatten(1).sum(1).mean()
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    return float(total.detach())
