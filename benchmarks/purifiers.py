"""What purification costs beside its network calls, and what checkpoints save.

    .venv/bin/python benchmarks/purifiers.py [--rounds 5] [--batch 8] [--channels 32]

Times DDIM purification of a batch of 32 x 32 images (T* = 140, fifteen calls) against the bare
calls of its denoiser, in turns, and measures what autograd keeps of the chain with and without
checkpoints, and how far the two gradients are apart.
"""

import torch
from timing import interleaved, parser, record
from torch import Generator, Tensor

from hardsight.diffusion import FastDenoiser
from hardsight.purifiers import DDIMPurifier


def kept(purifier: DDIMPurifier, x: Tensor, noise: Tensor) -> tuple[Tensor, int]:
    """The gradient of a purification, and the bytes that autograd held for it."""
    held: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    start = x.clone().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        value = purifier(start, noise).square().sum()
    (gradient,) = torch.autograd.grad(value, start)
    return gradient, sum(held.values())


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--channels", type=int, default=32)
    given = arguments.parse_args()
    torch.manual_seed(0)
    denoiser = FastDenoiser(32, 1, given.channels).eval().requires_grad_(False)
    purifier = DDIMPurifier(denoiser)
    x = torch.rand(given.batch, 3, 32, 32, generator=Generator().manual_seed(0))
    noise = purifier.sample_noise(x, Generator().manual_seed(1))

    def calls() -> None:
        with torch.no_grad():
            for t in reversed(purifier.steps):
                denoiser(x, t)

    def purify() -> None:
        with torch.no_grad():
            purifier(x, noise)

    def gradient(checkpoint: bool) -> None:
        kept(DDIMPurifier(denoiser, checkpoint=checkpoint), x, noise)

    times = interleaved(
        {
            "calls": calls,
            "purify": purify,
            "gradient": lambda: gradient(False),
            "checkpointed": lambda: gradient(True),
        },
        given.rounds,
    )
    exact = [kept(DDIMPurifier(denoiser, checkpoint=c), x[:2], noise[:2]) for c in (False, True)]
    gap = float((exact[0][0] - exact[1][0]).abs().max() / exact[0][0].abs().max())
    record(
        "purifiers",
        {
            "purification / its network calls": times["purify"] / times["calls"],
            "gradient / purification": times["gradient"] / times["purify"],
            "checkpointed gradient / gradient": times["checkpointed"] / times["gradient"],
            "memory of autograd, checkpointed / not": exact[1][1] / exact[0][1],
            "largest relative gap of the two gradients": gap,
            "network calls": len(purifier.steps),
            "batch": given.batch,
        },
        x.device,
    )


if __name__ == "__main__":
    main()
