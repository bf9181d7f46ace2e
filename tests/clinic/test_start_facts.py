"""What first weights make of streams, states and attention, and the run from usual ones."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.optim import Adam

from torchclinic.clinic.afterwards import longer_trial, restart_trial
from torchclinic.clinic.afterwards.trials.rate_trial import MAX_SECONDS
from torchclinic.clinic.preflight.initialisation.start import start_facts
from torchclinic.core import BatchFacts, Case, InputFacts, Recipe, Splits, TargetFacts
from torchclinic.training import build_model, train

G = torch.Generator().manual_seed(0)
TOKENS = torch.randint(1, 12, (256, 10), generator=G)
LABELS = (TOKENS[:, -1] > 6).long()
SERIES = torch.randn(256, 10, 3, generator=G)


class Reader(nn.Module):
    """A recurrent layer or attention behind an embedding or behind numbers."""

    def __init__(self, layer, embed=True, change=None):
        super().__init__()
        self.embed = nn.Embedding(12, 8) if embed else nn.Linear(3, 8)
        self.body = layer()
        self.head = nn.Linear(8, 2)
        if change is not None:
            with torch.no_grad():
                change(self)

    def forward(self, x):
        x = self.embed(x)
        if isinstance(self.body, nn.MultiheadAttention):
            return self.head(self.body(x, x, x)[0].mean(1))
        return self.head(self.body(x)[0][:, -1])


def recipe(layer, *, embed=True, change=None, **fields):
    x = TOKENS if embed else SERIES
    plain = {
        "model": partial(Reader, layer, embed, change),
        "data": Splits((x[:160], LABELS[:160]), (x[160:], LABELS[160:])),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": partial(Adam, lr=1e-2),
        "steps": 40,
        "batch_size": 64,
    }
    return Recipe(**{**plain, **fields})


def facts(found):
    return start_facts(found, 0, found.splits.train)


GRU = partial(nn.GRU, 8, 8, batch_first=True)
LSTM = partial(nn.LSTM, 8, 8, batch_first=True)
RNN = partial(nn.RNN, 8, 8, batch_first=True)
ATTENTION = partial(nn.MultiheadAttention, 8, 2, batch_first=True)


def rms(x):
    return float(x.detach().double().square().mean().sqrt())


@pytest.mark.parametrize("layer", [GRU, LSTM, RNN, partial(RNN, nonlinearity="relu")])
def test_states_are_those_that_torch_computes(layer):
    found = recipe(layer, steps=1)
    model, (read,) = build_model(found, 0), facts(found).recurrent
    given = model.embed(TOKENS[:64])
    with torch.no_grad():
        states = model.body(given)[0]
    half = states[:, states.shape[1] // 2 :]
    sizes = [rms(half[:, k]) for k in range(half.shape[1])]
    assert (read.name, read.steps, read.fed_by) == ("body", 10, "embed")
    assert read.input_rms == pytest.approx(rms(given), rel=0.1)  # of the first rows alone
    assert read.per_step == pytest.approx(
        (sizes[-1] / sizes[0]) ** (1 / (len(sizes) - 1)), rel=0.05
    )
    assert read.gain == pytest.approx(8**0.5 * rms(model.body.weight_hh_l0))
    assert (read.saturated is None) == (getattr(model.body, "nonlinearity", "") == "relu")


def large(model):
    model.embed.weight.mul_(40)


def test_gates_behind_large_vectors_are_flat():
    (read,) = facts(recipe(GRU, change=large)).recurrent
    (plain,) = facts(recipe(GRU)).recurrent
    assert read.saturated > 0.5
    assert plain.saturated < 0.01
    assert read.from_inputs > 5 * read.from_state


EXPLODING = partial(RNN, nonlinearity="relu")


def recurrent(model):
    model.body.weight_hh_l0.normal_(std=2.0)


def test_a_relu_state_with_large_recurrent_weights_grows():
    (read,) = facts(recipe(EXPLODING, change=recurrent)).recurrent
    assert read.per_step > 2
    assert read.gain > 4


def test_cells_and_packed_sequences_are_read_as_well():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.GRUCell(3, 4)
            self.body = nn.LSTM(4, 4, batch_first=True)
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            state = x.new_zeros(len(x), 4)
            seen = []
            for row in x.unbind(1):
                state = self.cell(row, state)
                seen.append(state)
            packed = pack_padded_sequence(
                torch.stack(seen, 1), torch.arange(len(x), 0, -1).clamp(5, 10), batch_first=True
            )
            return self.head(self.body(packed)[1][0][-1])

    cell, body = facts(recipe(GRU, embed=False, model=Loop)).recurrent
    assert (cell.name, cell.kind, cell.steps) == ("cell", "GRUCell", 10)
    assert (body.kind, body.fed_by) == ("LSTM", "")
    assert body.steps <= 10


def test_attention_on_large_vectors_sees_one_key():
    (read,) = facts(recipe(ATTENTION, change=large)).attention
    (plain,) = facts(recipe(ATTENTION)).attention
    assert read.sharp > 0.5
    assert plain.sharp == 0.0
    assert (read.name, read.fed_by) == ("body", "embed")
    model = build_model(recipe(ATTENTION, change=large), 0)
    x = model.embed(TOKENS[:64])
    weights = model.body(x, x, x, average_attn_weights=False)[1]
    assert read.sharp == pytest.approx(float((weights.amax(-1) >= 0.95).double().mean()), abs=0.1)


def test_queries_that_may_see_few_keys_are_not_asked():
    class Causal(Reader):
        def forward(self, x):
            x = self.embed(x)
            mask = torch.ones(10, 10).triu(1).bool()
            padding = torch.zeros(len(x), 10, dtype=torch.bool)
            padding[:, 3:] = True
            return self.head(self.body(x, x, x, attn_mask=mask, key_padding_mask=padding)[0][:, -1])

    assert facts(recipe(ATTENTION, model=partial(Causal, ATTENTION))).attention == ()


class Stack(nn.Module):
    def __init__(self, blocks=12, gain=2**0.5):
        super().__init__()
        self.first = nn.Linear(30, 8)
        self.blocks = nn.ModuleList(nn.Linear(8, 8, bias=False) for _ in range(blocks))
        for block in self.blocks:
            nn.init.orthogonal_(block.weight, gain=gain)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        x = self.first(x.flatten(1))
        for block in self.blocks:
            x = x + block(x.relu())
        return self.head(x)


def test_a_stream_grows_as_its_branches_tell():
    sizes = facts(recipe(GRU, embed=False, model=Stack)).stream
    assert len(sizes) == 13
    assert 1.2 < (sizes[-1] / sizes[0]) ** (1 / 12) < 1.8
    quiet = facts(recipe(GRU, embed=False, model=partial(Stack, gain=0.01))).stream
    assert quiet[-1] == pytest.approx(quiet[0], rel=0.1)


def test_looking_changes_nothing():
    found = recipe(ATTENTION)
    state = torch.get_rng_state()
    before = train(found, 0).history.losses
    facts(found)
    assert torch.equal(torch.get_rng_state(), state)
    assert train(found, 0).history.losses == before


def case_of(found):
    run = train(found, 0, evaluate_train=True)
    batch = BatchFacts(
        InputFacts("tokens"),
        TargetFacts("classes", class_counts={0: 32, 1: 32}),
        expected_loss=math.log(2),
        start=facts(found),
    )
    return Case(batch=batch, history=run.history)


def test_recurrent_weights_of_a_usual_size_learn_what_large_ones_do_not():
    found = recipe(EXPLODING, change=recurrent, steps=80)
    case = case_of(found)
    again = restart_trial(found, 0, case, 1e-3)
    assert again.loss == case.history.last("validation").loss
    assert again.tried < 0.5 < again.loss
    brief = restart_trial(found, 0, case, MAX_SECONDS / (1.5 * 40.5))
    assert brief.steps == 40


def test_no_run_is_made_where_nothing_is_suspected_or_it_takes_too_long():
    fine, ill = recipe(EXPLODING), recipe(EXPLODING, change=recurrent)
    assert restart_trial(fine, 0, case_of(fine), 1e-3) is None
    assert restart_trial(ill, 0, case_of(ill), 10.0) is None


def test_a_training_of_few_updates_is_tried_for_longer():
    short = recipe(GRU, steps=10)
    found = longer_trial(short, 0, case_with_recipe(short), 1e-3)
    assert found.steps == 150
    assert found.tried < 0.5 * found.loss


def case_with_recipe(found):
    from torchclinic.clinic.preflight.recipe import recipe_facts

    case = case_of(found)
    return Case(recipe_facts(found, 0, sample=found.splits.train), case.batch, None, None,
                case.history)  # fmt: skip
