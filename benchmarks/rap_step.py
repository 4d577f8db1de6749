"""A training step of RAP against the bare cost of its passes.

    .venv/bin/python benchmarks/rap_step.py --batch 64 --rounds 15

The same joint model, images and number of passes, in turns: our step (drawing of the batch,
attack, loss, optimizer); its passes alone, forward and backward, at the sizes that the attack has
left; and as many images in passes of the whole batch. Random images, for time does not depend on
them.
"""

import torch
from timing import interleaved, parser, record
from torch import Generator, nn

from hardsight.attacks import frozen
from hardsight.classifiers import MNISTCNN
from hardsight.core.devices import pick_device
from hardsight.core.modules import in_mode
from hardsight.core.precision import autocast, resolve
from hardsight.purifiers import RAP, Adapter, RAPSettings, RAPTask


def main() -> None:
    shared = parser(__doc__)
    shared.set_defaults(batch=64, rounds=15)
    shared.add_argument("--channels", type=int, default=32, help="of the adapter's first level")
    shared.add_argument("--length", type=int, default=5, help="RAP's T")
    shared.add_argument("--precision", default="auto")
    shared.add_argument("--device", default="auto")
    given = shared.parse_args()
    device = pick_device(given.device)
    precision = resolve(given.precision, device)
    torch.manual_seed(0)
    adapter = Adapter(28, 1, given.channels, (1, 2), patch=2, length=given.length)
    images = torch.randint(0, 256, (1000, 1, 28, 28), dtype=torch.uint8)
    labels = torch.randint(0, 10, (1000,))
    settings = RAPSettings(norm="Linf", eps=0.3)
    task = RAPTask(RAP(adapter).to(device), MNISTCNN().to(device), images, labels, settings)
    joint = nn.Sequential(task.module, task.classifier)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=1e-3)
    drawn = task.batch(given.batch, Generator().manual_seed(0))
    x = (drawn[0].float() / 255).to(device)
    t = drawn[2]
    left = [int((t > step).sum()) for step in range(int(t.max()))]
    whole, rest = divmod(sum(left), given.batch)

    def step() -> None:
        rows = task.batch(given.batch, Generator().manual_seed(0))
        optimizer.zero_grad()
        with autocast(precision.name, device):
            loss = task.loss(*(row.to(device) for row in rows))
        loss.backward()
        optimizer.step()

    def passes(sizes: list[int]) -> None:
        """Pass so many images through to their own gradients, and a batch to the weights'."""
        with autocast(precision.name, device):
            with frozen(joint), in_mode("eval", joint):
                for size in sizes:
                    part = x[:size].clone().requires_grad_()
                    joint(part).float().sum().backward()
            value = joint(x).float().sum()
        value.backward()

    took = interleaved(
        {
            "step": step,
            "passes": lambda: passes(left),
            "whole batches": lambda: passes([given.batch] * whole + [rest] * bool(rest)),
        },
        given.rounds,
    )
    figures: dict[str, object] = {f"{name}, seconds": seconds for name, seconds in took.items()}
    figures |= {
        "step / passes": took["step"] / took["passes"],
        "step / whole batches": took["step"] / took["whole batches"],
        "images left, by attack step": str(left),
        "batch": given.batch,
        "precision": precision.name,
        "threads": torch.get_num_threads(),
        "rounds": given.rounds,
    }
    record("rap_step", figures, device)


if __name__ == "__main__":
    main()
