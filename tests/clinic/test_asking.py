"""The loss is asked with outputs that are made up: real trainings, sound and not."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import Adam

from rules.healthy_cases import table_regression
from torchclinic.clinic.afterwards import ask_loss
from torchclinic.clinic.afterwards.asking.wanted import as_labels, as_numbers
from torchclinic.core import Case, Recipe, Splits
from torchclinic.rules import RULES
from torchclinic.training import train

G = torch.Generator().manual_seed(0)
X = torch.randn(256, 6, generator=G)
MAP = torch.randn(6, 4, generator=G)
VECTORS = X @ MAP
MASKS = (VECTORS > 0.5).float()
LABELS = VECTORS.argmax(1)
SPEEDS = (X[:, :1] + 0.5 * X[:, 1:2]).exp()


def net(*sizes):
    layers = []
    for wide, next_wide in pairwise(sizes):
        layers += [nn.Linear(wide, next_wide), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def recipe(targets, width=4, **fields):
    plain = {
        "model": partial(net, 6, 24, width),
        "data": Splits((X[:192], targets[:192]), (X[192:], targets[192:])),
        "optimizer": partial(Adam, lr=1e-2),
        "epochs": 12,
        "batch_size": 32,
    }
    return Recipe(**{**plain, **fields})


def asked(of):
    return ask_loss(of, 0, train(of, 0, keep_model=True).model, 0.0)


def said(of, code, loss_kind="custom"):
    """Levels of the rule's findings, by what was asked; the other facts are a healthy net's."""
    other = table_regression()
    facts = replace(other.recipe, loss_kind=loss_kind)
    case = Case(recipe=facts, batch=other.batch, **asked(of)._asdict())
    return [finding.level.value for finding in RULES[code].check(case)]


def dice(output, target):
    share = output.sigmoid()
    return ((2 * (share * target).sum(1) + 1) / (share.sum(1) + target.sum(1) + 1)).mean()


def cosine(output, target):
    return F.cosine_similarity(output, target).mean()


def correlation(output, target):
    rows = torch.stack([output.flatten(), target.flatten()])
    return torch.corrcoef(rows)[0, 1]


@pytest.mark.parametrize(
    ("targets", "similarity"),
    [(MASKS, dice), (VECTORS, cosine), (VECTORS, correlation)],
    ids=["dice", "cosine", "correlation"],
)
def test_a_similarity_that_is_minimised_runs_against_its_targets(targets, similarity):
    assert said(recipe(targets, loss=similarity), "LOS109") == ["error"]
    sound = recipe(targets, loss=lambda output, target: 1 - similarity(output, target))
    assert said(sound, "LOS109") == []
    assert asked(sound).agreement.own == ()  # what follows its targets needs no question


def pairs(model, batch, *, reverse, negatives=True):
    """A contrastive loss of all pairs of a batch."""
    x, y = batch
    z = model(x)
    apart = (z[:, None] - z[None]).square().sum(-1).add(1e-8).sqrt()
    same = (y[:, None] == y[None]).float()
    if reverse:
        same = 1 - same
    loss = (same * apart.square()).mean()
    return loss + ((1 - same) * F.relu(2 - apart).square()).mean() if negatives else loss


def test_a_contrastive_loss_with_reversed_labels_drives_alike_rows_apart():
    assert said(recipe(LABELS, 8, step=partial(pairs, reverse=True)), "LOS109") == ["warning"]
    assert said(recipe(LABELS, 8, step=partial(pairs, reverse=False)), "LOS109") == []


def pairs_of_two_calls(model, batch, *, reverse):
    """The same of the halves of a batch, each of which passes the model alone."""
    x, y = batch
    half = len(x) // 2
    apart = (model(x[:half]) - model(x[half : 2 * half])).square().sum(1).add(1e-8).sqrt()
    same = (y[:half] == y[half : 2 * half]).float()
    same = 1 - same if reverse else same
    return (same * apart.square() + (1 - same) * F.relu(2 - apart).square()).mean()


def test_it_is_known_where_the_model_is_called_twice():
    twice = partial(pairs_of_two_calls, reverse=True)
    assert said(recipe(LABELS, 8, step=twice), "LOS109") == ["warning"]
    assert said(recipe(LABELS, 8, step=partial(twice, reverse=False)), "LOS109") == []


def one_view(model, batch):
    """Two views of a row are brought together, and no others kept apart."""
    x = batch[0]
    one, other = (F.normalize(model(x + 0.1 * torch.randn_like(x)), dim=1) for _ in range(2))
    return -(one * other).sum(1).mean()


def alike(model, batch):
    """Minus the cosine of pairs that belong together, and nothing else."""
    x, y = batch
    z = F.normalize(model(x), dim=1)
    same = (y[:, None] == y[None]).float()
    return -(same * (z @ z.T)).sum() / same.sum()


@pytest.mark.parametrize(
    "step",
    [partial(pairs, reverse=False, negatives=False), alike, one_view],
    ids=["distance", "cosine", "two views"],
)
def test_pairs_that_belong_together_alone_collapse_to_a_point(step):
    of = recipe(LABELS, 8, step=step, epochs=25, model=partial(net, 6, 32, 32, 8))
    assert said(of, "WIR111") == ["warning"]


def noise(model, batch):
    """Targets that nothing tells: the best answer is a constant, but only that one."""
    return F.mse_loss(model(batch[0]), torch.randn(len(batch[0]), 4))


def autoencoder(model, batch):
    return (model(batch[0]) - batch[0]).square().mean()


def triplet(model, batch):
    z, y = F.normalize(model(batch[0]), dim=1), batch[1]
    apart, same = torch.cdist(z, z), (y[:, None] == y[None]).float()
    near = (apart * same).sum(1) / same.sum(1)
    far = (apart * (1 - same)).sum(1) / (1 - same).sum(1)
    return F.relu(near - far + 0.8).mean()


def two_views(model, batch):
    x = batch[0]
    one, other = (F.normalize(model(x + 0.1 * torch.randn_like(x)), dim=1) for _ in range(2))
    return F.cross_entropy(one @ other.T / 0.2, torch.arange(len(x)))


def physics(model, batch):
    x = batch[0].clone().requires_grad_()
    y = model(x)
    slope = torch.autograd.grad(y.sum(), x, create_graph=True)[0]
    return (slope.sum(1) + y.squeeze(1)).square().mean() + (y.mean() - 1).square()


def distances(model, batch):
    """Classes by distance from four points: small is where a row belongs."""
    away = model(batch[0]).square()
    return (away.gather(1, batch[1][:, None]) + (-away).logsumexp(1, keepdim=True)).mean()


SOUND = {
    "noise": recipe(VECTORS, step=noise),
    "autoencoder by hand": recipe(LABELS, 6, step=autoencoder),
    "triplet": recipe(LABELS, 8, step=triplet),
    "two views": recipe(LABELS, 8, step=two_views),
    "physics": recipe(torch.zeros(256, 1), 1, step=physics),
    "distances": recipe(LABELS, step=distances),
    "huber": recipe(VECTORS, loss=nn.HuberLoss()),
    "classes": recipe(LABELS, loss=nn.CrossEntropyLoss()),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_losses_of_ones_own_are_silent(name):
    assert said(SOUND[name], "LOS109") == []
    assert said(SOUND[name], "WIR111") == []


def hazard(output, time):
    """Cox's partial likelihood, where every row has its event: small times, large outputs."""
    order = time.flatten().argsort(descending=True)
    risk = output.flatten()[order]
    return -(risk - risk.logcumsumexp(0)).mean()


def test_a_hazard_that_rightly_runs_against_the_times_is_no_warning():
    found = asked(recipe(SPEEDS, 1, loss=hazard, epochs=25)).agreement
    assert found.after < -0.3
    assert "error" not in said(recipe(SPEEDS, 1, loss=hazard, epochs=25), "LOS109")


def rain(told):
    """Amounts that are 0 in two rows of three, where inputs do or do not tell which."""
    wet = X[:, 2] > 0.43 if told else torch.rand(256, generator=G) > 2 / 3
    return wet.float()[:, None] * (1 + SPEEDS)


def test_an_absolute_error_answers_zero_where_zero_is_most_likely():
    assert said(recipe(rain(told=False), 1, loss=nn.L1Loss()), "LOS110", "l1") == ["warning"]
    assert said(recipe(rain(told=True), 1, loss=nn.L1Loss(), epochs=40), "LOS110", "l1") == []
    assert asked(recipe(SPEEDS, 1, loss=nn.L1Loss())).commonest is None


def test_a_slow_training_is_not_asked():
    of = recipe(VECTORS, loss=cosine)
    model = train(of, 0, keep_model=True).model
    assert ask_loss(of, 0, model, 9.0) == (None, None, None)
    assert ask_loss(of, 0, None, 0.0) == (None, None, None)


def test_asking_leaves_model_and_random_states_as_they_were():
    of = recipe(LABELS, 8, step=partial(pairs, reverse=True))
    model = train(of, 0, keep_model=True).model
    weights = [p.clone() for p in model.parameters()]
    state = torch.get_rng_state()
    ask_loss(of, 0, model, 0.0)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True))
    assert model.training is False or not list(model.buffers())
    assert not any(module._forward_hooks for module in model.modules())


def test_columns_are_classes_where_there_are_as_many_or_torch_says_so():
    labels = torch.arange(12) % 3
    scores = torch.linspace(-1, 1, 96).reshape(12, 8)
    assert as_numbers(scores[:, :3], labels, heard=False).kind == "classes"
    assert as_numbers(scores, labels, heard=True).kind == "classes"
    assert as_numbers(scores, labels, heard=False) is None
    assert as_numbers(scores[:, :3].softmax(1), labels, heard=False).kind == "shares"
    masks = torch.arange(48).reshape(12, 2, 2) % 3
    assert as_numbers(torch.randn(12, 3, 2, 2), masks, heard=False).kind == "shares"
    assert as_labels(torch.zeros(12, 8), labels).kind == "labels"
    assert as_labels(torch.zeros(12, 8), torch.arange(12)) is None


def test_wide_outputs_beside_labels_cost_little():
    labels = torch.arange(64) % 4
    wide = torch.zeros(64, 3, 100, 100)
    wide[labels == 1] = 1.0
    assert 0.2 < as_labels(wide, labels).likeness(wide) <= 1.0


def test_a_training_that_diverged_has_nothing_to_compare():
    found = asked(recipe(VECTORS, loss=lambda o, t: (o - t).square().mean() * float("nan")))
    assert found.agreement is None
    assert found.collapse is None
