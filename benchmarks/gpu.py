"""Time the fast network and the paper's on a GPU, in both precisions.

Prints one JSON object; keep it under results/ with the device's name.
"""

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from start import MAKE, peaks, plain_loss, rebuilt
from torch import Generator, Tensor

from hardsight.diffusion import Denoiser, FastDenoiser, PaperDenoiser


def median_ms(call: Callable[[], Any], times: int = 10) -> float:
    """Return the median milliseconds of a call on the GPU, after three to warm up."""
    spans = []
    for i in range(times + 3):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        call()
        torch.cuda.synchronize()
        spans += [1000 * (time.perf_counter() - begun)] if i >= 3 else []
    return round(statistics.median(spans), 3)


def timed(denoiser: Denoiser, count: int, amp: bool) -> dict[str, float]:
    """Time a training step of ``count`` images of 256 pixels, a forward and a scoring of them."""
    denoiser.cuda().train()
    g = Generator("cuda").manual_seed(0)
    x = torch.rand(count, 3, 256, 256, generator=g, device="cuda")
    noise = torch.randn(x.shape, generator=g, device="cuda")
    stepper = torch.optim.AdamW(denoiser.parameters(), lr=1e-5, fused=True)

    def step() -> None:
        stepper.zero_grad()
        plain_loss(denoiser, x, g, amp).backward()
        stepper.step()

    @torch.no_grad()
    def forward(rows: int, score: bool) -> Tensor:
        r = rebuilt(denoiser, x[:rows], 100, noise[:rows], amp)
        return peaks(x[:rows], r) if score else r

    torch.cuda.reset_peak_memory_stats()
    found = {"training step ms": median_ms(step)}
    found["training peak MiB"] = torch.cuda.max_memory_allocated() // 2**20
    for rows in sorted({1, count}):
        found[f"forward of {rows} ms"] = median_ms(lambda rows=rows: forward(rows, False))
        found[f"scoring of {rows} ms"] = median_ms(lambda rows=rows: forward(rows, True))
    return found


def main() -> None:
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "float32 convolutions in TF32": torch.backends.cudnn.allow_tf32,
    }
    fast, paper = partial(FastDenoiser, 256, **MAKE), partial(PaperDenoiser, 256)
    for name, make, count in (("fast", fast, 32), ("paper", paper, 2)):
        for precision in ("fp32", "bf16"):
            layout = torch.channels_last if precision == "bf16" else torch.contiguous_format
            made = make().to(memory_format=layout)
            found[f"{name}, {precision}, batch {count}"] = timed(made, count, precision == "bf16")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
