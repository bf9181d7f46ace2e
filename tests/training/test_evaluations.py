"""What is evaluated, when, and that nothing else is looked at."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD

from torchclinic.core import DataError, EarlyStopping, Splits, UsageError
from torchclinic.training import evaluate, evaluation_batch_size, train
from training.parts import plain_net, recipe, rich_net, rows, split_recipe


class Untouchable:
    """Data that must not be read."""

    def __iter__(self):
        raise AssertionError("the test part was read")


def steps_of(run, split):
    return [e.step for e in run.history.evaluations if e.split == split]


def test_the_test_part_is_not_read_unless_asked_for():
    data = Splits(train=rows(), validation=rows(seed=1), test=Untouchable())
    run = train(recipe(data=data))
    assert {e.split for e in run.history.evaluations} == {"validation"}
    with pytest.raises(DataError, match="was read"):
        train(recipe(data=data), test=True)


def test_the_test_part_is_evaluated_once_at_the_end():
    run = train(split_recipe(), test=True)
    assert steps_of(run, "test") == [15]
    assert steps_of(run, "validation") == [5, 10, 15]
    assert all(e.metric is not None for e in run.history.evaluations)


def test_without_validation_the_test_part_gives_the_curve():
    data = Splits(train=rows(), test=rows(seed=1))
    assert steps_of(train(recipe(data=data, epochs=6), test=True), "test") == list(range(5, 31, 5))
    assert train(recipe(data=data)).history.evaluations == ()


def test_values_are_those_of_a_plain_pass():
    run = train(split_recipe(model=rich_net), test=True, keep_model=True)
    x, y = rows(20, seed=2)
    with torch.no_grad():
        scores = run.model(x)
    last = run.history.last("test")
    assert last.loss == pytest.approx(F.cross_entropy(scores, y).item(), rel=1e-6)
    assert last.metric == (scores.argmax(1) == y).sum().item() / 20


def test_the_training_sample_is_fixed_and_small():
    data = Splits(train=rows(3000), validation=rows(10, seed=1))
    run = train(recipe(data=data, model=rich_net, batch_size=500), evaluate_train=True)
    seen = []

    def loss(outputs, targets):
        seen.append(len(targets))
        return F.cross_entropy(outputs, targets)

    counted = recipe(data=data, model=rich_net, batch_size=500, loss=loss, steps=1)
    train(counted, evaluate_train=True)
    assert steps_of(run, "train") == steps_of(run, "validation")
    assert sum(seen) == 500 + 10 + 1024
    assert max(seen) == 500


def test_the_training_sample_is_as_large_as_the_validation_part():
    seen = []

    def loss(outputs, targets):
        seen.append(len(targets))
        return F.cross_entropy(outputs, targets)

    data = Splits(train=rows(2000), validation=rows(1500, seed=1))
    train(recipe(data=data, loss=loss, steps=1, batch_size=2000), evaluate_train=True)
    assert seen == [2000, 1500, 1500]


@pytest.mark.parametrize(
    ("fields", "options", "expected"),
    [
        ({"epochs": 3}, {}, [5, 10, 15]),
        ({"epochs": 100}, {}, list(range(25, 501, 25))),
        ({"epochs": 90}, {}, [*range(25, 450, 25), 450]),
        ({"epochs": 100, "early_stopping": EarlyStopping(1000)}, {}, list(range(5, 501, 5))),
        ({"epochs": 2, "keep_best": True}, {}, [5, 10]),
        ({"epochs": 100}, {"max_steps": 7}, [7]),
        ({"steps": 400}, {}, list(range(20, 401, 20))),
        ({"steps": 3}, {}, [3]),
        ({"steps": 12}, {}, [6, 12]),
        ({"steps": 400, "early_stopping": EarlyStopping(1000)}, {"max_steps": 50}, [20, 40, 50]),
    ],
)
def test_cadence(fields, options, expected):
    """70 rows in batches of 16, and 30 rows of validation: 5 updates an epoch."""
    assert steps_of(train(split_recipe(**fields), **options), "validation") == expected


def test_short_runs_are_looked_at_inside_their_epochs_where_that_is_cheap():
    small = Splits(train=rows(640), validation=rows(32, seed=1))
    assert steps_of(train(recipe(data=small, epochs=1)), "validation") == [8, 16, 24, 32, 40]
    large = Splits(train=rows(640), validation=rows(640, seed=1))
    assert steps_of(train(recipe(data=large, epochs=1)), "validation") == [40]


def test_evaluation_leaves_the_model_as_it_was():
    net = rich_net()
    net[3].eval()
    modes = [module.training for module in net.modules()]
    before = {k: v.clone() for k, v in net.state_dict().items()}
    random_state = torch.get_rng_state()
    evaluate(recipe(metric="accuracy"), net, [rows()])
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(p.grad is None for p in net.parameters())


def test_rows_weigh_the_mean_of_the_batches():
    net, (x, y) = plain_net(), rows()
    batches = [(x[:50], y[:50]), (x[50:], y[50:])]
    whole = evaluate(recipe(), net, [(x, y)]).loss
    assert evaluate(recipe(), net, batches).loss == pytest.approx(whole, rel=1e-6)


def test_a_summed_loss_is_evaluated_in_batches_of_the_training():
    assert evaluation_batch_size(recipe(loss=nn.CrossEntropyLoss(reduction="sum"))) == 16
    assert evaluation_batch_size(recipe(loss=lambda o, t: (o - t).sum())) == 16
    assert evaluation_batch_size(recipe()) == 128
    assert evaluation_batch_size(recipe(batch_size=None)) is None


def test_a_step_may_differentiate_with_respect_to_its_inputs():
    def step(model, batch):
        x = batch[0].detach().requires_grad_(True)
        out = model(x).sum()
        (slope,) = torch.autograd.grad(out, x, create_graph=True)
        return (slope - 1).square().mean()

    data = Splits(train=rows(), validation=rows(seed=1))
    made = recipe(data=data, loss=None, step=step, optimizer=partial(SGD, lr=0.01))
    losses = [value for _, value in train(made).history.curve("validation")]
    assert losses[-1] < losses[0]


def test_a_step_with_a_metric_takes_the_outputs_of_a_forward_pass():
    def step(model, batch):
        return F.cross_entropy(model(batch[0]), batch[1])

    stepped = train(split_recipe(loss=None, step=step), 1).history
    plain = train(split_recipe(), 1).history
    assert stepped.curve("validation", "metric") == plain.curve("validation", "metric")
    assert stepped.losses == plain.losses


def test_max_steps_keeps_the_full_schedule():
    made = split_recipe(schedule=partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=3))
    full, cut = train(made), train(made, max_steps=11)
    assert cut.history.losses == full.history.losses[:11]
    assert cut.history.learning_rates == full.history.learning_rates[:11]
    assert (cut.history.planned_steps, cut.history.ending) == (15, "budget")
    assert train(made, max_steps=15).history.evaluations == full.history.evaluations
    assert train(made, max_steps=99).history.losses == full.history.losses
    with pytest.raises(UsageError, match="max_steps is 0"):
        train(made, max_steps=0)
