"""The line in which rows meet, in models of which that is known."""

import pytest
import torch
from torch import nn

from torchclinic.clinic.preflight.wiring.meeting import meeting_facts

ROWS, FEATURES = 30, 5


def where(forward):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(FEATURES, 4)
            self.out = nn.Linear(FEATURES, 1)

        def forward(self, x):
            return forward(self, x)

    generator = torch.Generator().manual_seed(2)
    found = meeting_facts(Net(), (torch.randn(ROWS, FEATURES, generator=generator), None))
    return None if found is None else found.how


@pytest.mark.parametrize(
    ("forward", "how"),
    [
        (lambda net, x: net.out(x) + x[:, 0], "spread"),
        (lambda net, x: net.out(x) * net.out(x).squeeze(1), "spread"),
        (lambda net, x: x[:, 0] / net.out(x), "spread"),
        (lambda net, x: net.layer(x).softmax(0), "softmax"),
        (lambda net, x: x - x.mean(dim=0), "mean"),
        (lambda net, x: x / x.sum((0, 1)), "sum"),
    ],
)
def test_what_makes_rows_meet_is_found(forward, how):
    assert where(forward) == how


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: net.out(x) + x[:, :1],
        lambda net, x: net.layer(x).softmax(1),
        lambda net, x: x.mean(-1, keepdim=True) * net.layer(x),
        lambda net, x: net.layer(x) + net.layer(x[:1]).softmax(0),
    ],
)
def test_rows_that_stay_apart_have_no_such_line(forward):
    assert where(forward) is None


def test_the_line_is_told_with_its_file():
    class Net(nn.Module):
        def forward(self, x):
            return x.softmax(0)

    found = meeting_facts(Net(), (torch.randn(ROWS, FEATURES), None))
    assert found.line.startswith("test_meeting.py:")
    assert found.line.endswith("return x.softmax(0)")
