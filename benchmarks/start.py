"""Train the weights that fits on a few normal images start from, on natural photographs.

Two stages, each for so many seconds: plain denoising, then adversarial training from a
copy of the first. Photographs are decoded once, and cropped, coloured and corrupted on the device.
"""

import argparse
import copy
import hashlib
import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import uninstalled  # noqa: F401
from photographs import batch, column, photographs, regions
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor

from hardsight.diffusion import Denoiser, FastDenoiser, one_shot
from hardsight.synthesis import CutPaste

SIZES = (128, 192, 256)  # trained at
STEPS = (50, 200)  # of the diffusion, in adversarial training
RADII = (2 / 255, 8 / 255)  # of the attack
PROBED = (50, 100, 200)  # diffusion steps validated at
MAKE = {"patch": 4, "channels": 48}


def corrupted(x: Tensor, g: Generator) -> Tensor:
    """Paste a part of the same image, distorted, or of another, soft-edged or hard, evenly."""
    own, _ = CutPaste()(x, torch.ones_like(x[:, :1], dtype=torch.bool), g)
    shift = tuple(random.randrange(x.shape[-1]) for _ in range(2))
    other = x.roll((1, *shift), (0, 2, 3))
    other = x + regions(len(x), x.shape[-1], g, 0.03, 0.2) * (other - x)
    return torch.where(column(len(x), g) < 0.5, own, other)


def peaks(x: Tensor, r: Tensor) -> Tensor:
    """(B,) ``AdversarialTraining.peaks`` by default: the largest errors of reconstructions."""
    total = torch.zeros_like(x[:, :1])
    for scale in (1, 2, 4, 8):
        squared = F.avg_pool2d(x - r, scale).square()
        error = (squared.square() / (squared + 0.12**2)).mean(1, keepdim=True)
        total = total + F.interpolate(error, x.shape[-2:], mode="bilinear")
    maps = F.avg_pool2d(total / 4, 9, 1, 4).flatten(1)
    return maps.topk(max(1, round(0.0015 * maps.shape[1])), 1).values.mean(1)


def rebuilt(denoiser: Denoiser, x: Tensor, t: int | Tensor, noise: Tensor, amp: bool) -> Tensor:
    """Return reconstructions of images in [0, 1], in that unit and in full precision."""
    with torch.autocast(x.device.type, torch.bfloat16, enabled=amp):
        return (one_shot(denoiser, 2 * x - 1, t, noise).float() + 1) / 2


def attacked(
    reconstruct: Callable[[Tensor], Tensor], x: Tensor, sign: Tensor, eps: float, g: Generator
) -> Tensor:
    """Take two sign steps of 0.7 eps from a random start, on the largest errors."""
    start = (2 * torch.rand(x.shape, generator=g, device=g.device) - 1) * eps
    adversarial = (x + start).clamp(0, 1)
    for _ in range(2):
        adversarial.requires_grad_()
        (slope,) = torch.autograd.grad(
            (sign * peaks(adversarial, reconstruct(adversarial))).sum(), adversarial
        )
        moved = adversarial.detach() + 0.7 * eps * slope.sign()
        adversarial = torch.minimum(torch.maximum(moved, x - eps), x + eps).clamp(0, 1)
    return adversarial


def plain_loss(denoiser: FastDenoiser, x: Tensor, g: Generator, amp: bool) -> Tensor:
    with torch.autocast(x.device.type, torch.bfloat16, enabled=amp):
        return denoiser.training_loss(2 * x - 1, denoiser.draw(x.shape, g)).mean()


def adversarial_loss(denoiser: FastDenoiser, x: Tensor, g: Generator, amp: bool) -> Tensor:
    """Return the loss of ``AdversarialTask``, half corrupted, and half of the plain one beside."""
    half = len(x) // 2
    shown = torch.cat([x[:half], corrupted(x[half:], g)])
    sign = torch.where(torch.arange(len(x), device=x.device) < half, 1.0, -1.0)
    t = torch.randint(STEPS[0], STEPS[1] + 1, (len(x),))  # on the CPU, as the schedule is
    noise = torch.randn(x.shape, generator=g, device=g.device)
    reconstruct = partial(rebuilt, denoiser, t=t, noise=noise, amp=amp)
    adversarial = attacked(reconstruct, shown, sign, random.uniform(*RADII), g)
    error = 4 * (reconstruct(adversarial) - x).square().flatten(1).mean(1)  # in [-1, 1] units
    weight = 1 / (denoiser.schedule.sigma(t) ** 2 + 0.01)
    return (error * weight.to(error)).mean() + 0.5 * plain_loss(denoiser, x, g, amp)


def validated(denoiser: FastDenoiser, photos: Tensor) -> dict[str, float]:
    """Measure held-out photographs, whole, at fixed seeds: errors are of [-1, 1] units."""
    found: dict[str, float] = {}
    whole = photos.permute(0, 3, 1, 2).float() / 255
    for size in (128, 256):
        g = Generator(photos.device).manual_seed(size)
        denoiser.size = size
        rows: list[dict[str, Tensor]] = []
        for x in F.interpolate(whole, (size, size), mode="bicubic", antialias=True).split(60):
            rows.append(_measured(denoiser, x.clamp(0, 1), g))
        for name in rows[0]:
            found[f"{name}@{size}"] = float(torch.cat([r[name] for r in rows]).mean())
    return found


def _measured(denoiser: FastDenoiser, x: Tensor, g: Generator) -> dict[str, Tensor]:
    noise = torch.randn(x.shape, generator=g, device=g.device)
    reconstructs = {k: partial(rebuilt, denoiser, t=k, noise=noise, amp=False) for k in PROBED}
    with torch.no_grad():
        row = {"loss": denoiser.training_loss(2 * x - 1, denoiser.draw(x.shape, g))}
        for k, reconstruct in reconstructs.items():
            row[f"mse k={k}"] = 4 * (reconstruct(x) - x).square().flatten(1).mean(1)
        row["peak"] = peaks(x, reconstructs[100](x))
    adversarial = attacked(reconstructs[100], x, torch.ones(len(x), device=x.device), 8 / 255, g)
    with torch.no_grad():
        return row | {"attacked peak": peaks(adversarial, reconstructs[100](adversarial))}


def write(path: Path, write_to: Callable[[Path], Any]) -> None:
    """Write a file under another name, then rename it."""
    part = path.with_name("part-" + path.name)
    write_to(part)
    part.replace(path)


def save(denoiser: FastDenoiser, path: Path) -> None:
    """Write the network's weights: matrices and kernels in half precision."""
    state = denoiser.unet.state_dict().items()
    halves = {k: v.half() if v.ndim > 1 else v for k, v in state}
    write(path, lambda p: save_file({k: v.cpu().contiguous() for k, v in halves.items()}, p))


def rate(part: float) -> float:
    """Return the learning rate as a share of the highest: up for 5 %, then half a cosine down."""
    return part / 0.05 if part < 0.05 else (1 + math.cos(math.pi * (part - 0.05) / 0.95)) / 2


def stage(
    name: str,
    denoiser: FastDenoiser,
    loss_of: Callable[..., Tensor],
    photos: tuple[Tensor, Tensor],
    how: dict[str, Any],
    args: argparse.Namespace,
) -> Iterator[dict[str, Any]]:
    """Train for ``how["seconds"]``, yield what validation finds; average into ``denoiser``."""
    g = Generator(photos[0].device).manual_seed(how["seed"])
    amp, average = args.precision == "bf16", denoiser.requires_grad_(False)
    trained = copy.deepcopy(denoiser).train().requires_grad_(True)
    if args.compile:
        trained.unet.compile(dynamic=False)
    weights, kept = list(trained.parameters()), list(average.parameters())
    stepper = torch.optim.AdamW(weights, lr=0.0, weight_decay=1e-4, fused=g.device.type == "cuda")
    begun, step, told, sums = time.perf_counter(), 0, 0.0, torch.zeros(2, device=g.device)
    while (spent := time.perf_counter() - begun) < how["seconds"] or step == 0:
        stepper.param_groups[0]["lr"] = how["lr"] * max(1e-4, rate(min(1, spent / how["seconds"])))
        trained.size = random.choice(SIZES)
        with torch.no_grad():
            x = batch(photos[0], how["batch"], trained.size, g)
        stepper.zero_grad()
        loss = loss_of(trained, x, g, amp)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        stepper.step()
        step += 1
        sums += torch.stack([loss.detach(), torch.ones_like(loss)])
        with torch.no_grad():
            torch._foreach_lerp_(kept, weights, 1 - min(0.999, (1 + step) / (10 + step)))
        if spent - told > args.every and how["seconds"] - spent > args.every / 4:
            yield told_of(name, step, spent, sums, average, photos[1], how)
            told, sums = spent, torch.zeros_like(sums)
    yield told_of(name, step, time.perf_counter() - begun, sums, average, photos[1], how)


def told_of(
    name: str,
    step: int,
    spent: float,
    sums: Tensor,
    average: FastDenoiser,
    held: Tensor,
    how: dict[str, Any],
) -> dict[str, Any]:
    """Validate the averaged weights, and print and return one line about them."""
    line = {"stage": name, "step": step, "images": step * how["batch"], "seconds": round(spent, 1)}
    line["training loss"] = float(sums[0] / sums[1].clamp_min(1))
    torch.backends.cudnn.benchmark = False
    line |= validated(average, held)
    torch.backends.cudnn.benchmark = True
    if not math.isfinite(line["training loss"] + line["loss@256"]):
        raise SystemExit(f"{name}: the loss is not finite at step {step}; the last weights stay")
    print(json.dumps({k: float(f"{v:.4g}") if k != "stage" else v for k, v in line.items()}))
    sys.stdout.flush()
    return line


def train(args: argparse.Namespace) -> None:
    """Run both stages; write the weights and start.json after every validation."""
    device, begun = torch.device(args.device), time.perf_counter()
    photos = photographs(args.data, args.limit)
    held = torch.arange(len(photos)) % 20 == 19
    sets = photos[~held].to(device), photos[held].to(device)
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    random.seed(0)
    denoiser = FastDenoiser(256, **MAKE).to(device, memory_format=torch.channels_last)
    plan = {
        "plain": (plain_loss, args.plain_seconds, args.batch, args.lr),
        "adversarial": (
            adversarial_loss,
            args.adversarial_seconds,
            args.adversarial_batch,
            args.adversarial_lr,
        ),
    }
    record: dict[str, Any] = {
        "config": FastDenoiser(256, **MAKE).config,
        "data": {"sha256": hashlib.sha256(args.data.read_bytes()).hexdigest()},
        "photographs": {"training": len(sets[0]), "validation": len(sets[1])},
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "recipe": {
            "sizes": SIZES,
            "crops": "from max(64, size / 2) to 192 pixels, bicubic",
            "optimizer": "AdamW, weight decay 1e-4, gradient clip 1, EMA 0.999",
            "precision": args.precision,
            "adversarial": {"k": STEPS, "eps": RADII, "steps": 2, "plain": 0.5, "corrupted": 0.5},
        },
        "stages": {},
        "curve": [],
    }
    print(json.dumps({"photographs": len(photos), "seconds": time.perf_counter() - begun}))
    for seed, (name, (loss_of, seconds, size, lr)) in enumerate(plan.items()):
        if seconds <= 0:
            continue
        how = {"seconds": seconds, "batch": size, "lr": lr, "seed": seed}
        path = args.out / f"start_{name}.safetensors"
        for line in stage(name, denoiser, loss_of, sets, how, args):
            save(denoiser, path)
            done = {k: line[k] for k in ("step", "images", "seconds")}
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            record["stages"][name] = {"plan": how, "done": done, "sha256": digest}
            record["curve"].append(line)
            text = json.dumps(record, indent=1) + "\n"
            write(args.out / "start.json", lambda p, text=text: p.write_text(text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plain-seconds", type=float, default=200)
    parser.add_argument("--adversarial-seconds", type=float, default=240)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--adversarial-batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--adversarial-lr", type=float, default=4e-4)
    parser.add_argument("--every", type=float, default=60, help="seconds between validations")
    parser.add_argument("--limit", type=int, help="photographs to read")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    train(args)
    for path in sorted(args.out.glob("start_*.safetensors")):
        for size in SIZES:
            FastDenoiser(size, **MAKE).unet.load_state_dict(load_file(path))


if __name__ == "__main__":
    main()
