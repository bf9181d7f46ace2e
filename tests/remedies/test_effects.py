"""What the remedies are for: the fault is measurably gone, and a healthy net is not made worse."""

import dataclasses
from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD

from remedies.patients import VECTORS, Shared, case_of, classes, recipe, relu_mlp, splits
from torchclinic.remedies import REMEDIES
from torchclinic.training import build_model, compute_loss, train

DEEP = 10


def treated(made, *remedies):
    for remedy in remedies:
        change = REMEDIES[remedy].plan(made, dataclasses.replace(case_of(made), lr_range=None))
        made = change.apply(made)
    return made


def gradients(made):
    """Root mean square of each weight's gradient, first layer to last."""
    model = build_model(made, 0).train()
    compute_loss(made, model, made.splits.train)[0].backward()
    weights = [p for p in model.parameters() if p.dim() == 2]
    return [p.grad.square().mean().sqrt().item() for p in weights]


def first_over_last(made):
    found = gradients(made)
    return found[0] / found[-1]


def sigmoid_net(depth=DEEP):
    return recipe(partial(Shared, 12, depth), VECTORS)


def test_the_specifications_deep_sigmoid_net_is_paralysed():
    assert first_over_last(sigmoid_net()) < 1e-6


@pytest.mark.parametrize(
    ("remedies", "at_least"),
    [
        (("relu-activations", "reinitialise"), 0.1),
        (("relu-activations", "orthogonal-init"), 0.1),
        (("relu-activations", "batch-norm"), 0.1),
        (("relu-activations", "lsuv-init"), 0.1),
        (("residual",), 1e-3),
        (("batch-norm", "reinitialise"), 1e-4),
    ],
)
def test_the_gradient_reaches_the_first_layer(remedies, at_least):
    assert first_over_last(treated(sigmoid_net(), *remedies)) > at_least


def test_remedies_that_do_not_fit_the_cause_leave_the_first_layer_without_gradient():
    for remedy in ("dropout", "clip-gradient", "small-output-layer", "weight-decay"):
        assert first_over_last(treated(sigmoid_net(), remedy)) < 1e-5


def test_layers_get_unit_variance_on_real_rows():
    made = treated(recipe(partial(Shared, 12, 5, nn.ReLU), VECTORS * 30), "lsuv-init")
    model, x = build_model(made, 0), made.splits.train[0]
    for layer in model.layers:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            assert x.var().item() == pytest.approx(1.0, abs=0.35)


def test_activations_keep_their_size_with_he_initialisation():
    x = torch.randn(512, 64, generator=torch.Generator().manual_seed(0))
    hidden = [module for _ in range(20) for module in (nn.Linear(64, 64), nn.ReLU())]
    wide = nn.Sequential(*hidden, nn.Linear(64, 4))
    made = recipe(wide, x, classes(x))
    deviations = []
    for candidate in (made, treated(made, "reinitialise")):
        model = build_model(candidate, 0)
        deviations.append(model[:-1](x).std().item())
    assert deviations[0] < 0.1
    assert 0.2 < deviations[1] < 5


def test_a_net_killed_by_its_inputs_scale_learns_behind_standardisation():
    inputs = VECTORS * torch.logspace(-2, 3, 12) + 100
    made = recipe(relu_mlp, inputs, classes(VECTORS), optimizer=partial(SGD, lr=0.1), steps=150)
    made = made.replace(metric="accuracy")
    before, after = train(made, 0), train(treated(made, "standardise-inputs"), 0)
    assert max(before.history.losses) > 1e6
    assert after.history.last("validation").metric > before.history.last("validation").metric + 0.1
    assert after.history.losses[-1] < 0.5


def test_standardisation_inside_the_model_is_standardisation_of_the_data():
    inputs = VECTORS * 20 + 7
    made = recipe(relu_mlp, inputs, classes(VECTORS), optimizer=partial(SGD, lr=0.05), steps=20)
    cut = len(made.splits.train[0])
    mean, std = inputs[:cut].mean(0), inputs[:cut].std(0, correction=0)
    plain = made.replace(data=splits((inputs - mean) / std, classes(VECTORS)))
    ours, theirs = train(treated(made, "standardise-inputs"), 0), train(plain, 0)
    assert ours.history.losses == pytest.approx(theirs.history.losses, rel=1e-4)


def test_the_softmax_floor_is_gone():
    from remedies.patients import softmax_mlp

    made = recipe(softmax_mlp, VECTORS, optimizer=partial(SGD, lr=1.0), steps=200)
    floor = torch.log(1 + 3 * torch.exp(torch.tensor(-1.0))).item()
    assert min(train(made, 0).history.losses) > floor
    after = train(treated(made, "remove-output-activation"), 0).history
    assert after.losses[-1] < 0.5 * floor


def test_two_linear_layers_learn_what_is_not_linear():
    x = VECTORS[:, :2]
    y = (x[:, 0] * x[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 2))
    made = recipe(model, x, y, optimizer=partial(SGD, lr=0.3), steps=400, metric="accuracy")
    before = train(made.replace(data=(x, y)), 0, evaluate_train=True).history
    after = train(treated(made, "insert-activation").replace(data=(x, y)), 0, evaluate_train=True)
    assert before.last("train").metric < 0.7
    assert after.history.last("train").metric > 0.9


def test_standardising_layers_have_the_precision_of_the_model():
    made = recipe(DoubleNet, VECTORS.double() * 9, VECTORS[:, :1].double() * 99, loss=nn.MSELoss())
    after = treated(made, "standardise-inputs", "standardise-targets")
    model = build_model(after, 0)
    assert model(VECTORS.double()).dtype == torch.float64
    assert len(train(after, 0, max_steps=1).history.losses) == 1


class DoubleNet(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(12, 4), nn.Tanh(), nn.Linear(4, 1))
        self.double()
