"""Bad input of every kind: a typed error with the value and the way out, no bare traceback."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, SparseAdam

from torchclinic.core import (
    DataError,
    LossError,
    ModelError,
    Penalty,
    RecipeError,
    TorchclinicError,
    TrainingError,
)
from torchclinic.training import train
from torchclinic.training.objective import Objective
from training.parts import line, plain_net, recipe, rows

X, Y = rows()


def boom(*_, **__):
    raise KeyError("boom")


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(5, 4)
        self.body = nn.Sequential(nn.ReLU(), nn.Linear(7, 3))

    def forward(self, x):
        return self.body(self.stem(x))


class Raising(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, x):
        return self.layer(x) + self.missing


class NoGradient(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, x):
        return self.layer(x).detach()


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, x):
        hidden = self.layer(x).sigmoid()
        out = hidden * 2
        hidden += 1
        return out


def frozen():
    return plain_net().requires_grad_(False)


CASES = {
    "factory raises": ({"model": boom}, ModelError, "boom raised KeyError: 'boom'"),
    "factory of a list": ({"model": list}, ModelError, r"returned \[\] of type list"),
    "shape": (
        {"model": Broken},
        ModelError,
        r"layer 'body.1' \(Linear\) raised on input \(16, 4\) float32.*expects 7 features",
    ),
    "attribute": ({"model": Raising}, ModelError, r"forward pass of Raising.*no attribute"),
    "in place": ({"model": InPlace}, ModelError, "backward pass of InPlace.*in-place"),
    "no parameters": ({"model": nn.ReLU}, ModelError, "has no parameters.*ModuleList"),
    "frozen": ({"model": frozen}, ModelError, r"none of the 4 parameters.*requires_grad_\(True\)"),
    "no gradient": (
        {"model": NoGradient},
        LossError,
        r"CrossEntropyLoss \(1\.\d+\) does not depend on any.*detach",
    ),
    "loss raises": ({"loss": boom}, LossError, r"loss boom raised on outputs \(16, 3\) float32"),
    "vector": (
        {"loss": nn.CrossEntropyLoss(reduction="none")},
        LossError,
        r"CrossEntropyLoss with reduction='none' returned a tensor of shape \(16,\)",
    ),
    "number": (
        {"loss": lambda o, t: F.cross_entropy(o, t).item()},
        LossError,
        r"<lambda> returned 1\.\d+ of type float, not a tensor \(return the tensor itself",
    ),
    "integer": ({"loss": lambda o, t: o.argmax()}, LossError, "torch.int64, which has no gradient"),
    "label": (
        {"data": (X, Y + 1)},
        DataError,
        r"label 3 is out of range: the model has 3 outputs, so labels are 0 to 2",
    ),
    "negative label": ({"data": (X, Y - 1)}, DataError, "label -1 is out of range.*from 0"),
    "large label": ({"data": (X, Y + 9)}, DataError, "at least 1[012] outputs"),
    "nll label": ({"data": (X, Y + 1), "loss": F.nll_loss}, DataError, "label 3 is out of range"),
    "float labels": ({"data": (X, Y.float())}, LossError, r"must be integers: targets.long\(\)"),
    "int32 labels": ({"data": (X, Y.int())}, LossError, r"int64, not torch.int32"),
    "column of labels": ({"data": (X, Y[:, None])}, LossError, r"targets.squeeze\(1\)"),
    "bce target": (
        {
            "model": lambda: nn.Sequential(nn.Linear(5, 1), nn.Sigmoid()),
            "loss": nn.BCELoss(),
            "data": (X, torch.full((70, 1), 2.0)),
        },
        DataError,
        r"target 2 is outside \[0, 1\]",
    ),
    "bce output": (
        {
            "model": partial(nn.Linear, 5, 1),
            "loss": nn.BCELoss(),
            "data": (100 * X, torch.ones(70, 1)),
        },
        LossError,
        "BCEWithLogitsLoss takes any output",
    ),
    "bce shape": (
        {"model": partial(nn.Linear, 5, 1), "loss": nn.BCEWithLogitsLoss(), "data": (X, Y > 1)},
        LossError,
        r"outputs.squeeze\(1\)",
    ),
    "step raises": ({"loss": None, "step": boom}, LossError, r"step raised on a batch \(\(16, 5\)"),
    "step's model": (
        {"loss": None, "step": lambda m, b: m(b[0]).sum(), "model": Broken},
        ModelError,
        "layer 'body.1'",
    ),
    "optimizer raises": (
        {"optimizer": partial(SGD, lr=-1.0)},
        RecipeError,
        "SGD raised ValueError: Invalid learning rate: -1.0",
    ),
    "no optimizer": ({"optimizer": len}, RecipeError, "len returned 4 of type int"),
    "unusable optimizer": ({"optimizer": SparseAdam}, TrainingError, "SparseAdam.step raised"),
    "metric": ({"metric": "auc"}, RecipeError, "no metric 'auc'.*accuracy, mse, r2"),
    "empty": ({"data": (X[:0], Y[:0])}, DataError, "0 rows"),
    "empty list": ({"data": []}, DataError, "holds no batch"),
    "not data": ({"data": 3}, DataError, "3 of type int is no data"),
    "data raises": ({"data": map(boom, [1])}, Exception, "boom"),
    "penalty": ({"penalties": (Penalty("l1", 1.0, "x*"),)}, RecipeError, r"parameters='x\*' fits"),
    "device": ({"device": "gpu"}, RecipeError, "device is 'gpu'"),
    "cuda": ({"device": "cuda:77"}, RecipeError, r"sees \d+ CUDA devices"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input(case):
    fields, kind, words = CASES[case]
    with pytest.raises(kind, match=words) as caught:
        train(recipe(**fields))
    if kind is not Exception:
        assert caught.value.exit_code == 2
        assert caught.value.hint or case in ("empty", "empty list")


@pytest.mark.parametrize("case", ["factory raises", "shape", "loss raises", "optimizer raises"])
def test_the_original_exception_is_kept(case):
    fields, kind, _ = CASES[case]
    with pytest.raises(kind) as caught:
        train(recipe(**fields))
    assert isinstance(caught.value.__cause__, Exception)
    assert not isinstance(caught.value.__cause__, TorchclinicError)


def test_on_a_device_labels_are_looked_at_before_the_loss():
    """A GPU answers a label out of range with a dead context."""
    made = recipe(loss=partial(F.cross_entropy, weight=torch.ones(3)))
    objective = Objective(made, plain_net())
    objective._elsewhere = True
    objective((X, Y))
    with pytest.raises(DataError, match="label 3 is out of range"):
        objective((X, Y + 1))


def test_an_error_of_ours_passes_through():
    def step(model, batch):
        raise RecipeError("as it is")

    with pytest.raises(RecipeError, match=r"^as it is$"):
        train(recipe(loss=None, step=step))


def test_an_optimizer_over_other_parameters_trains_in_vain():
    """It is a rule's finding, not an error."""
    other = nn.Linear(2, 1)
    run = train(recipe(optimizer=lambda _: SGD(other.parameters(), lr=0.1)), keep_model=True)
    assert run.history.ending == "budget"


def test_a_factory_that_takes_the_model_gets_it():
    def factory(model):
        return SGD(
            [{"params": model[0].parameters(), "lr": 0.5}, {"params": model[2].bias}], lr=0.1
        )

    assert set(train(recipe(optimizer=factory)).history.learning_rates) == {0.5}


def test_a_single_element_is_a_scalar():
    x, y = line()
    one = recipe(
        model=partial(nn.Linear, 2, 1), data=(x, y), loss=lambda o, t: (o - t).mean()[None]
    )
    flat = one.replace(loss=lambda o, t: (o - t).mean())
    assert train(one).history.losses == train(flat).history.losses


def test_float16_on_the_cpu_refuses_nothing_but_needs_no_scaler():
    history = train(recipe(autocast="float16", steps=2)).history
    assert len(history.losses) == 2


def test_a_last_batch_of_one_row_is_named_where_batch_norm_fails_on_it():
    def normed():
        return nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))

    odd = recipe(model=normed, data=(X[:33], Y[:33]), batch_size=16)
    with pytest.raises(ModelError, match=r"layer '1' .*leaves no row over"):
        train(odd)
