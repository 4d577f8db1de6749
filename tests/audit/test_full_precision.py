import torch

from hardsight.audit.full_precision import FullPrecision

X = torch.tensor([1.0 + 2**-20])


def test_casts_are_widened_and_only_there():
    def through(x):
        return [x.half(), x.bfloat16(), x.to(torch.float16), x.to(dtype=torch.bfloat16)]

    with FullPrecision("cpu"):
        assert all(y.dtype == torch.float32 and torch.equal(y, X) for y in through(X))
        assert X.double().half().dtype == torch.float64
        assert X.long().dtype == torch.int64
    assert [y.dtype for y in through(X)] == [torch.float16, torch.bfloat16] * 2


def test_autocast_is_off_inside():
    layer = torch.nn.Linear(8, 8)
    x = torch.randn(4, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)

    def run():
        with torch.autocast("cpu", torch.bfloat16):
            y = layer(x)
        return y, torch.autograd.grad(y.float().sum(), x)[0]

    narrow, wide = run(), None
    with FullPrecision("cpu"):
        wide = run()
    plain = layer(x)
    assert narrow[0].dtype == torch.bfloat16
    assert wide[0].dtype == torch.float32
    assert torch.equal(wide[0], plain)
    assert torch.equal(wide[1], torch.autograd.grad(plain.sum(), x)[0])
