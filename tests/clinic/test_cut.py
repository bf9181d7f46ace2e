"""How far back in time a gradient goes, against loops that cut it and such that do not."""

import pytest
import torch
from torch import nn

from torchclinic.clinic.preflight.wiring.cut import cut_facts
from torchclinic.clinic.preflight.wiring.reach import reach_facts

ROWS, STEPS, FEATURES, UNITS, TOKENS = 40, 9, 3, 12, 15


class Loop(nn.Module):
    """A recurrent net written as a loop over its steps.

    Args:
        between: What happens to the state between two steps.
        tokens: Whether it reads tokens, one by one or all at once.
        every: Whether it answers at every step.
    """

    def __init__(self, between=None, *, tokens="", every=False):
        super().__init__()
        self.embed = nn.Embedding(TOKENS, FEATURES)
        self.cell = nn.GRUCell(FEATURES, UNITS)
        self.head = nn.Linear(UNITS, 2)
        self.between = between or (lambda state, step: state)
        self.tokens = tokens
        self.every = every

    def forward(self, x):
        state, outputs = torch.zeros(len(x), UNITS), []
        if self.tokens == "at once":
            x = self.embed(x)
        for step in range(x.shape[1]):
            given = self.embed(x[:, step]) if self.tokens == "by step" else x[:, step]
            state = self.cell(given, self.between(state, step))
            outputs.append(self.head(state))
        return torch.stack(outputs, 1) if self.every else outputs[-1]


def found(model, like=None):
    """Facts of a model; `like` stands in for it where its answers are never twice the same."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(ROWS, STEPS, FEATURES, generator=generator)
    if getattr(model, "tokens", ""):
        x = torch.randint(0, TOKENS, (ROWS, STEPS), generator=generator)
    reach = reach_facts(like or model, (x, torch.zeros(len(x))))
    return cut_facts(model.train(), x, reach)


def data(state, _):
    return state.data


def through_numpy(state, _):
    return torch.tensor(state.detach().numpy())


def without_gradient(state, _):
    with torch.no_grad():
        return state * 1.0


@pytest.mark.parametrize("tokens", ["", "at once", "by step"])
@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize(
    ("between", "line"),
    [
        (lambda state, _: state.detach(), "state.detach()"),
        (data, "state.data"),
        (through_numpy, "state.detach().numpy()"),
        (without_gradient, "state * 1.0"),
    ],
)
def test_a_state_that_is_cut_at_each_step_leaves_the_last_step_alone(between, line, tokens, every):
    torch.manual_seed(1)
    facts = found(Loop(between, tokens=tokens, every=every))
    assert facts.kept == 1
    assert facts.blocked == tuple((step, step + 1) for step in range(STEPS - 1))
    assert facts.line.startswith("test_cut.py:")
    assert line in facts.line


@pytest.mark.parametrize("tokens", ["", "at once", "by step"])
@pytest.mark.parametrize("every", [False, True])
def test_a_whole_loop_lets_every_step_have_its_gradient(tokens, every):
    torch.manual_seed(1)
    facts = found(Loop(tokens=tokens, every=every))
    assert (facts.kept, facts.blocked) == (STEPS, ())


def test_truncation_keeps_its_window():
    torch.manual_seed(1)
    facts = found(Loop(lambda state, step: state.detach() if step == 4 else state))
    assert facts.kept == STEPS - 4


def test_a_state_that_is_kept_between_batches_may_be_detached():
    class Stateful(Loop):
        state = None

        def forward(self, x):
            state = torch.zeros(len(x), UNITS) if self.state is None else self.state.detach()
            state = state if len(state) == len(x) else torch.zeros(len(x), UNITS)
            for step in range(x.shape[1]):
                state = self.cell(x[:, step], state)
            self.state = state
            return self.head(state)

    assert found(Stateful(), Loop()).kept == STEPS


def test_whoever_reads_all_steps_without_a_gradient_means_to():
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.GRU(FEATURES, UNITS, batch_first=True)
            self.head = nn.Linear(UNITS, 2)

        def forward(self, x):
            with torch.no_grad():
                states = self.body(x)[0]
            return self.head(states[:, -1])

    assert found(Frozen()) is None


def test_steps_that_nothing_reads_are_not_cut_off():
    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(FEATURES, 2)

        def forward(self, x):
            return self.head(x[:, 0])

    facts = found(First())
    assert (facts.kept, facts.blocked) == (1, ())


def test_each_answer_of_a_local_model_needs_its_own_step_only():
    facts = found(nn.Sequential(nn.Linear(FEATURES, 8), nn.Tanh(), nn.Linear(8, 2)))
    assert (facts.kept, facts.blocked) == (1, ())


def test_quantised_inputs_have_no_gradient_anywhere():
    class Rounded(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.GRU(FEATURES, UNITS, batch_first=True)

        def forward(self, x):
            return self.body(x.mul(16).round().div(16))[0][:, -1]

    assert found(Rounded()) is None


def test_the_model_is_left_as_it_was():
    torch.manual_seed(1)
    model = Loop(lambda state, _: state.detach())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    assert found(model).kept == 1
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert model.training
