"""A run is known by its schedule's options, too, and by nothing that another process lacks."""

from functools import partial

import pytest
from torch.optim import SGD
from torch.optim.lr_scheduler import StepLR

from torchclinic.core import CheckpointError, Schedule
from torchclinic.optim import triangular
from torchclinic.training import train
from torchclinic.training.checkpoint import fingerprint
from training.parts import plain_net, recipe


def stepped(optimizer, total, gamma=0.5, inner=None):
    return StepLR(optimizer, 2, gamma=gamma)


def words(schedule):
    net = plain_net()
    optimizer = SGD(net.parameters(), lr=0.1)
    return fingerprint(recipe(schedule=schedule), 0, net, optimizer, 70)["schedule"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (triangular(0.01, 0.1, cycles=2), triangular(0.01, 0.1, cycles=3)),
        (Schedule(partial(stepped, gamma=0.5)), Schedule(partial(stepped, gamma=0.9))),
        (Schedule(stepped), Schedule(stepped, per="epoch")),
        (partial(StepLR, step_size=2), partial(StepLR, step_size=3)),
    ],
    ids=["cycles", "partial", "per", "bare"],
)
def test_another_schedule_is_another_run(one, other, tmp_path):
    made, path = recipe(schedule=one), tmp_path / "run"
    train(made, checkpoint=path, max_steps=3)
    with pytest.raises(CheckpointError, match="its schedule is"):
        train(made.replace(schedule=other), checkpoint=path)
    assert train(made, checkpoint=path).history.losses == train(made).history.losses


def test_the_words_are_the_same_in_every_process():
    assert words(partial(StepLR, step_size=2)) == "StepLR () [('step_size', 2)]"
    nested = words(Schedule(partial(stepped, inner=lambda x: x)))
    assert "stepped" in nested
    assert " at 0x" not in nested
    assert words(triangular(cycles=2)) == words(triangular(cycles=2))
    assert words(None) == "None"
