"""BatchFacts against counting by hand, optimising by force, and construction."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from clinic.preflight_recipes import (
    HARD,
    ROWS,
    FixedBatch,
    FunctionalDropout,
    Tokens,
    binary,
    classes,
    generator,
    mlp,
    one_hot,
    own_step,
    recipe,
    series,
    table,
    token_rows,
    values,
    with_nan,
)
from torchclinic.clinic.preflight import batch_facts, probing
from torchclinic.clinic.preflight.tensors import target_facts
from torchclinic.core import Splits
from torchclinic.training import build_model


@pytest.mark.parametrize("name", HARD)
def test_every_hard_recipe_gives_all_facts(name):
    found = batch_facts(HARD[name](), 0)
    assert found.layers
    assert found.outputs is not None
    assert found.initial_loss == pytest.approx(found.initial_loss)
    assert found.expected_loss is not None
    assert found.without_gradient in ((), ("other.weight", "other.bias"))
    assert found.batch_crosstalk is (None if name == "fixed batch" else False)
    assert not found.sum_reduction
    assert all(layer.nonfinite == 0 for layer in found.layers)


def test_readings_by_hand():
    the_recipe = recipe(model=lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)))
    found = batch_facts(the_recipe, 5)
    model = build_model(the_recipe, 5)
    x, y = (part[torch.arange(0, ROWS)] for part in classes())
    rows = batch_facts(the_recipe, 5, rows=ROWS)
    pre = model[0](x)
    pre.retain_grad()
    loss = F.cross_entropy(model[2](pre.tanh()), y)
    loss.backward()
    first = rows.layer("0")
    assert rows.initial_loss == pytest.approx(loss.item(), rel=1e-5)
    assert first.rows == ROWS
    assert first.activation_mean == pytest.approx(pre.mean().item(), abs=1e-6)
    assert first.activation_std == pytest.approx(pre.std(correction=0).item(), rel=1e-5)
    assert first.saturated_share == pytest.approx((pre.abs() >= 2.5).float().mean().item())
    assert first.silent_share is None
    gradients = [model[0].weight.grad, model[0].bias.grad]
    norm = sum(g.square().sum() for g in gradients).sqrt().item()
    assert first.gradient_norm == pytest.approx(norm, rel=1e-4)
    assert first.gradient_rms == pytest.approx(gradients[0].square().mean().sqrt().item(), rel=1e-4)
    assert first.output_gradient_rms == pytest.approx(
        pre.grad.square().mean().sqrt().item(), rel=1e-4
    )
    assert found.layer("0").rows == 512


@pytest.mark.parametrize("in_place", [True, False])
def test_silent_units_are_those_that_a_bias_kills_also_in_place(in_place):
    def half_dead():
        model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(in_place), nn.Linear(32, 3))
        with torch.no_grad():
            model[0].bias[:16] = -100.0
        return model

    first = batch_facts(recipe(model=half_dead), 0).layer("0")
    assert first.silent_share == pytest.approx(0.5)
    assert first.activation_mean < -10
    assert first.output_gradient_rms > 0


def test_saturated_units():
    def saturated():
        model = nn.Sequential(nn.Linear(6, 8), nn.Sigmoid(), nn.Linear(8, 3))
        with torch.no_grad():
            model[0].bias[:2] = 100.0
        return model

    first = batch_facts(recipe(model=saturated), 0).layer("0")
    assert first.saturated_units == 0.25
    assert first.saturated_share == pytest.approx(0.25, abs=0.01)


def test_a_layer_before_a_norm_is_not_judged_by_the_activation_after_it():
    model = lambda: nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Sigmoid(), mlp(inputs=8))  # noqa: E731
    found = batch_facts(recipe(model=model), 0)
    assert found.layer("0").saturated_share is None
    assert found.layer("1").saturated_share == 0.0


# --- the best constant, by force --------------------------------------------------------------


def best_constant(loss, target, start):
    """The lowest loss that one constant row can have, by gradient descent."""
    constant = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([constant], lr=0.5, max_iter=500)

    def closure():
        optimizer.zero_grad()
        value = loss(constant.expand(len(target), *constant.shape), target)
        value.backward()
        return value

    for _ in range(5):
        optimizer.step(closure)
    return closure().item()


@pytest.mark.parametrize(
    ("loss", "data", "outputs"),
    [
        (nn.CrossEntropyLoss(), classes(512), 3),
        (nn.CrossEntropyLoss(reduction="sum"), classes(512), 3),
        (nn.CrossEntropyLoss(), one_hot(512), 3),
        (nn.BCEWithLogitsLoss(), binary(512), 1),
        (nn.MSELoss(), values(512), 1),
        (nn.MSELoss(), values(512, 2), 2),
        (nn.MSELoss(reduction="sum"), values(512, 2), 2),
    ],
)
def test_expected_loss_is_the_lowest_of_a_constant(loss, data, outputs):
    found = batch_facts(recipe(data, partial(mlp, outputs), loss), 0)
    assert found.expected_loss == pytest.approx(
        best_constant(loss, data[1], torch.zeros(outputs)), rel=1e-3
    )


@pytest.mark.parametrize("loss", [nn.L1Loss(), nn.HuberLoss(), nn.SmoothL1Loss(beta=0.1)])
def test_expected_loss_of_robust_losses_is_near_the_lowest(loss):
    data = values(512)
    found = batch_facts(recipe(data, partial(mlp, 1), loss), 0)
    lowest = best_constant(loss, data[1], torch.zeros(1))
    assert lowest * 0.999 <= found.expected_loss <= lowest * 1.02


def test_a_flipped_loss_is_expected_at_the_plain_one():
    plain = batch_facts(recipe(), 0)
    flipped = batch_facts(recipe(loss=lambda o, t: -F.cross_entropy(o, t)), 0)
    assert flipped.initial_loss == pytest.approx(-plain.initial_loss)
    assert flipped.expected_loss == pytest.approx(plain.expected_loss, rel=1e-3)


def test_floor_of_a_softmax_before_cross_entropy_by_force():
    found = batch_facts(recipe(model=partial(mlp, 3, nn.Softmax(1))), 0)
    corner = torch.tensor([[1.0, 0.0, 0.0]])
    assert found.outputs.rows_sum_to_one
    assert found.floor_loss == pytest.approx(F.cross_entropy(corner, torch.tensor([0])).item())


def test_floor_of_a_sigmoid_before_bce_with_logits_by_force():
    data = binary()
    found = batch_facts(recipe(data, partial(mlp, 1, nn.Sigmoid()), nn.BCEWithLogitsLoss()), 0)
    sample = found.targets.mean
    best = sample * F.softplus(torch.tensor(-1.0)) + (1 - sample) * F.softplus(torch.tensor(0.0))
    assert found.outputs.in_unit_interval
    assert found.floor_loss == pytest.approx(best.item())


def test_no_floor_for_scores_and_for_probabilities_where_they_belong():
    assert batch_facts(recipe(), 0).floor_loss == 0
    bce = recipe(binary(), partial(mlp, 1, nn.Sigmoid()), nn.BCELoss())
    assert batch_facts(bce, 0).floor_loss == 0


# --- outputs and targets ----------------------------------------------------------------------


def test_log_probabilities_and_constant_outputs():
    log = batch_facts(recipe(model=partial(mlp, 3, nn.LogSoftmax(1)), loss=nn.NLLLoss()), 0)
    assert log.outputs.log_probabilities
    assert not log.outputs.rows_sum_to_one
    assert log.outputs.varies
    constant = batch_facts(
        recipe(model=lambda: nn.Sequential(nn.ReLU(), Zero(), nn.Linear(6, 3))), 0
    )
    assert not constant.outputs.varies


class Zero(nn.Module):
    def forward(self, x):
        return x * 0


@pytest.mark.filterwarnings("ignore:Using a target size:UserWarning")
def test_targets_that_broadcast():
    x, y = values()
    squeezed = recipe((x, y[:, 0]), partial(mlp, 1), nn.MSELoss())
    found = batch_facts(squeezed, 0)
    assert found.outputs.broadcasts
    assert found.expected_loss == pytest.approx(y[:, 0].var(correction=0).item(), rel=0.1)
    assert not batch_facts(recipe((x, y), partial(mlp, 1), nn.MSELoss()), 0).outputs.broadcasts


@pytest.mark.parametrize(
    ("data", "outputs", "loss", "kind"),
    [
        (classes(), 3, nn.CrossEntropyLoss(), "classes"),
        (one_hot(), 3, nn.CrossEntropyLoss(), "one-hot"),
        (binary(), 1, nn.BCEWithLogitsLoss(), "binary"),
        (values(), 1, nn.MSELoss(), "real"),
    ],
)
def test_kinds_of_targets(data, outputs, loss, kind):
    found = batch_facts(recipe(data, partial(mlp, outputs), loss), 0, rows=ROWS)
    assert found.targets.kind == kind
    assert found.targets.mean == pytest.approx(data[1].double().mean().item(), rel=1e-5)
    if kind == "classes":
        assert found.targets.class_counts == dict(enumerate(data[1].bincount().tolist()))


def test_ignored_targets_are_left_out():
    x, y = classes()
    y[::3] = -100
    found = batch_facts(recipe((x, y)), 0)
    assert found.targets.minimum == 0
    assert set(found.targets.class_counts) == {0, 1, 2}
    assert found.expected_loss == pytest.approx(1.09, abs=0.05)


def test_labels_out_of_range_still_show_inputs_targets_and_outputs():
    x, y = classes()
    found = batch_facts(recipe((x, y + 1)), 0)
    assert found.initial_loss is None
    assert found.outputs.shape == (512, 3)
    assert found.targets.maximum == 3
    assert found.layer("0").activation_std > 0
    assert found.without_gradient == ()


# --- inputs -----------------------------------------------------------------------------------


def test_statistics_by_channel():
    x, y = classes()
    x = x * torch.tensor([1.0, 2, 3, 4, 5, 0]) + torch.tensor([0.0, 1, 2, 3, 4, 5])
    found = batch_facts(recipe((x, y)), 0, rows=ROWS).inputs
    assert found.kind == "real"
    assert found.channel_means == pytest.approx(x.mean(0).tolist(), abs=1e-4)
    assert found.channel_stds == pytest.approx(x.std(0, correction=0).tolist(), abs=1e-4)
    assert found.constant_channels == 1
    assert found.std == pytest.approx(x.std(correction=0).item(), rel=1e-4)
    assert (found.minimum, found.maximum) == (x.min().item(), x.max().item())


def conv(channels, size):
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * (size - 2) ** 2, 3)
    )


class Pixels(nn.Module):
    """Takes bytes with the channels last."""

    def __init__(self):
        super().__init__()
        self.net = conv(3, 8)

    def forward(self, x):
        return self.net(x.permute(0, 3, 1, 2).float() / 255)


def test_pictures():
    x = torch.rand(64, 3, 8, 8, generator=generator())
    y = torch.randint(0, 3, (64,), generator=generator())
    first = batch_facts(recipe((x, y), partial(conv, 3, 8)), 0).inputs
    assert (first.kind, len(first.channel_means)) == ("image", 3)
    last = (x.permute(0, 2, 3, 1) * 255).to(torch.uint8)
    found = batch_facts(recipe((last, y), Pixels), 0).inputs
    assert (found.kind, len(found.channel_means)) == ("image", 3)
    assert found.maximum > 250
    grey = lambda: nn.Sequential(nn.Flatten(), mlp(inputs=64))  # noqa: E731
    assert batch_facts(recipe((x[:, 0], y), grey), 0).inputs.kind == "image"


def test_tokens_and_sequences():
    assert batch_facts(recipe(token_rows(), Tokens), 0).inputs.kind == "tokens"
    assert batch_facts(recipe(series(), FixedBatch), 0).inputs.kind == "sequence"


def test_a_shifted_validation_set():
    x, y = classes()
    for shift, scale in ((0.0, 1.0), (2.0, 1.0), (0.0, 3.0)):
        data = Splits(train=(x, y), validation=(x * scale + shift, y))
        found = batch_facts(recipe(data), 0).inputs
        assert found.shift == pytest.approx(shift, abs=0.2)
        assert found.scale_ratio == pytest.approx(scale, rel=0.01)


@pytest.mark.parametrize("wrap", [lambda *data: data, TensorDataset])
def test_non_finite_elements_are_counted_and_their_rows_left_out(wrap):
    x, y = with_nan()
    found = batch_facts(recipe(wrap(x, y)), 0)
    assert found.inputs.nonfinite == int(x.isnan().sum())
    assert found.initial_loss == pytest.approx(1.1, abs=0.2)
    assert found.outputs.nonfinite == 0
    assert found.inputs.std == pytest.approx(1.0, abs=0.1)


def test_one_bad_row_in_many_is_found_though_it_is_not_in_the_sample():
    x, y = values(5000)
    y[1234] = float("inf")
    found = batch_facts(recipe((x, y), partial(mlp, 1), nn.MSELoss()), 0)
    assert (found.inputs.nonfinite, found.targets.nonfinite) == (0, 1)


def test_all_rows_bad():
    x, y = classes()
    found = batch_facts(recipe((x * float("nan"), y)), 0)
    assert found.inputs.nonfinite == x.numel()
    assert found.initial_loss != found.initial_loss


# --- wiring -----------------------------------------------------------------------------------


class Cut(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.never = nn.Linear(6, 8), nn.Linear(8, 3), nn.Linear(2, 2)

    def forward(self, x):
        return self.b(self.a(x).relu().detach())


def test_parameters_without_a_gradient():
    found = batch_facts(recipe(model=Cut), 0)
    assert set(found.without_gradient) == {"a.weight", "a.bias", "never.weight", "never.bias"}
    nothing = batch_facts(recipe(loss=lambda o, t: F.cross_entropy(o.detach(), t)), 0)
    assert len(nothing.without_gradient) == 4


def test_rows_of_an_embedding_that_are_not_used_do_not_count():
    tokens, y = token_rows()
    found = batch_facts(recipe((tokens % 5, y), Tokens), 0)
    assert found.without_gradient == ()


def test_a_bias_that_cancels_on_one_batch_only_is_not_reported():
    x = table()
    y = x[:, :1]
    found = batch_facts(recipe((x, y), lambda: nn.Linear(6, 1), nn.MSELoss()), 0)
    assert found.without_gradient == ()


class OverTheBatch(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.net, self.kind = mlp(), kind

    def forward(self, x):
        scores = self.net(x)
        if self.kind == "softmax":
            return scores.softmax(0)
        if self.kind == "mean":
            return scores - 1e-2 * scores.mean(0)
        return scores.T.reshape(scores.shape)


@pytest.mark.parametrize("kind", ["softmax", "mean", "view"])
def test_rows_that_influence_each_other(kind):
    assert batch_facts(recipe(model=partial(OverTheBatch, kind)), 0).batch_crosstalk is True


def test_attention_over_the_batch_is_found_for_tokens_too():
    faulty = recipe(token_rows(), partial(Tokens, over_the_batch=True))
    assert batch_facts(faulty, 0).batch_crosstalk is True


def test_batch_norm_is_no_crosstalk_in_evaluation_mode():
    found = batch_facts(HARD["batch norm"](), 0)
    assert found.batch_crosstalk is False


def test_gradients_that_are_nan_are_no_crosstalk():
    root = lambda: nn.Sequential(nn.Linear(6, 3), nn.ReLU(), Root())  # noqa: E731
    assert batch_facts(recipe(model=root), 0).batch_crosstalk is False


class Root(nn.Module):
    def forward(self, x):
        return x.sqrt()


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (nn.CrossEntropyLoss(), False),
        (nn.CrossEntropyLoss(reduction="sum"), True),
        (lambda o, t: F.cross_entropy(o, t, reduction="none").sum(), True),
    ],
)
def test_sum_reduction(loss, expected):
    assert batch_facts(recipe(loss=loss), 0).sum_reduction is expected


def test_a_custom_step_shows_its_outputs_and_targets():
    found = batch_facts(recipe(step=own_step), 0)
    assert found.outputs.shape == (512, 3)
    assert found.targets.kind == "classes"
    assert found.expected_loss == pytest.approx(1.09, abs=0.02)


def hidden_step(model, batch):
    x, y = batch
    return (model(x)[torch.arange(len(y)), y]).square().mean()


def test_a_custom_step_with_a_loss_of_its_own_shows_no_outputs():
    found = batch_facts(recipe(step=hidden_step), 0)
    assert found.outputs is None
    assert found.expected_loss is None
    assert found.targets.kind == "classes"
    assert found.initial_loss > 0


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        raise ValueError(self.fc(x).shape)


def test_a_forward_that_raises_leaves_the_facts_about_the_data():
    found = batch_facts(recipe(model=Broken), 0)
    assert found.initial_loss is None
    assert found.layers == ()
    assert found.inputs.shape == (512, 6)
    assert found.targets.kind == "classes"


def test_a_model_that_costs_much_gets_fewer_rows(monkeypatch):
    monkeypatch.setattr(probing, "MOST_PRODUCTS", 100 * (6 * 32 + 32 + 32 * 3 + 3))
    found = batch_facts(recipe(batch_size=8), 0)
    assert found.layer("0").rows == found.outputs.shape[0] == 100
    monkeypatch.setattr(probing, "MOST_PRODUCTS", 1)
    assert batch_facts(recipe(), 0).layer("0").rows == 32


def test_a_model_for_one_batch_size_is_read_on_one_batch():
    assert batch_facts(HARD["fixed batch"](), 0).layer("head").rows == 32


class Noisy(nn.Module):
    def __init__(self, over_the_batch=False):
        super().__init__()
        self.a, self.b = nn.Linear(6, 16), nn.Linear(16, 3)
        self.over_the_batch = over_the_batch

    def forward(self, x):
        hidden = F.relu(self.a(x))
        hidden = hidden + 0.1 * torch.randn_like(hidden)
        return self.b(hidden - hidden.mean(0) if self.over_the_batch else hidden)


class AlwaysDropping(Noisy):
    def forward(self, x):
        return self.b(F.dropout(F.relu(self.a(x)), 0.6, training=True))


class Unseeded(Noisy):
    """Noise that no seed controls."""

    chance = torch.Generator().manual_seed(3)

    def forward(self, x):
        return self.b(F.relu(self.a(x))) + torch.randn(len(x), 3, generator=self.chance)


@pytest.mark.parametrize(
    ("model", "mixes", "random"),
    [
        (mlp, False, False),
        (Noisy, False, True),
        (AlwaysDropping, False, True),
        (partial(Noisy, over_the_batch=True), True, True),
        (Unseeded, None, True),
        (FunctionalDropout, False, False),
    ],
)
def test_noise_in_evaluation_mode_is_not_mistaken_for_rows_that_mix(model, mixes, random):
    found = batch_facts(recipe(model=model), 0)
    assert found.batch_crosstalk is mixes
    assert found.random_in_eval is random


@pytest.mark.parametrize(
    ("rows", "off"),
    [
        ([[0.0, 1.0], [1.0, 0.0]], 0.0),
        ([[0.3, 0.7], [0.5, 0.5]], 0.0),
        ([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0]], 0.5),
        ([[2.0, -1.0], [1.0, 0.0]], None),
        ([[1.0], [0.0]], None),
    ],
)
def test_rows_of_targets_that_do_not_sum_to_one_are_counted(rows, off):
    assert target_facts(torch.tensor(rows), "bce").off_one == off
