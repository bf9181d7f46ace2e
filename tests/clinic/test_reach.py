"""What outputs hang on, against models whose dependence is known."""

import pytest
import torch
from torch import nn

from torchclinic.clinic.preflight.data.association import tells
from torchclinic.clinic.preflight.data.padding import unpadded
from torchclinic.clinic.preflight.wiring.reach import reach_facts

ROWS, STEPS, FEATURES = 300, 9, 3


def sequences(seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(ROWS, STEPS, FEATURES, generator=generator)
    return x, (x[:, 2, 1] > 0).long()


class Picks(nn.Module):
    """Reads some time steps alone."""

    def __init__(self, *steps):
        super().__init__()
        self.steps = list(steps)
        self.head = nn.Linear(FEATURES, 2)

    def forward(self, x):
        return self.head(x[:, self.steps].mean(1))


@pytest.mark.parametrize("read", [(0,), (8,), (2, 5), tuple(range(STEPS))])
def test_steps_that_are_read_have_an_effect_and_no_others(read):
    found = reach_facts(Picks(*read), sequences())
    assert found.axis == "positions"
    assert found.starts == tuple(range(STEPS))
    assert tuple(i for i, e in enumerate(found.effects) if e > 0) == read


def test_the_step_that_tells_the_target_is_found_from_the_data():
    found = reach_facts(Picks(0), sequences())
    assert found.tells[2] > 20
    assert max(t for i, t in enumerate(found.tells) if i != 2) < 6


@pytest.mark.parametrize("seed", range(4))
def test_noise_tells_nothing(seed):
    generator = torch.Generator().manual_seed(seed)
    part = torch.randn(ROWS, 4, generator=generator)
    labels = torch.randint(0, 3, (ROWS,), generator=generator)
    assert abs(tells(part, labels)) < 6
    assert tells(part, part[:, :1]) > 20


def test_tokens_tell_by_what_they_are():
    tokens = torch.randint(0, 5, (ROWS, 1), generator=torch.Generator().manual_seed(1))
    assert tells(tokens, (tokens[:, 0] == 3).long()) > 20
    assert tells(tokens[:20], tokens[:20, 0]) is None, "too few rows"


@pytest.mark.parametrize(("pool", "blind"), [("mean", True), ("last", False)])
def test_a_bag_is_blind_to_order_and_the_last_state_is_not(pool, blind):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(20, 6)
            self.gru = nn.GRU(6, 5, batch_first=True)
            self.head = nn.Linear(6 if pool == "mean" else 5, 2)

        def forward(self, tokens):
            x = self.embed(tokens)
            return self.head(x.mean(1) if pool == "mean" else self.gru(x)[0][:, -1])

    tokens = torch.randint(0, 20, (ROWS, STEPS), generator=torch.Generator().manual_seed(2))
    assert reach_facts(Net(), (tokens, tokens[:, 0] % 2)).order_blind is blind


@pytest.mark.parametrize("normalises", [True, False])
def test_rows_of_unit_length_have_lost_their_length(normalises):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 1)

        def forward(self, x):
            return self.head(nn.functional.normalize(x) if normalises else x)

    x = torch.randn(ROWS, 4, generator=torch.Generator().manual_seed(3))
    found = reach_facts(Net(), (x, x.norm(dim=1, keepdim=True)))
    assert found.scale_blind is normalises
    assert (found.scale_tells is not None) is normalises
    if normalises:
        assert found.scale_tells > 20


def test_the_first_module_that_erases_its_input_is_named():
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.LayerNorm(1))
    x = torch.randn(ROWS, 3)
    found = reach_facts(net, (x, x[:, :1]))
    assert found.spread == 0
    assert (found.faded, found.fed) == ("3", True)
    assert found.spreads["0"] > 0.1


def test_padding_at_the_end_is_counted():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(9, 4, padding_idx=0)
            self.rnn = nn.RNN(4, 6, batch_first=True)

        def forward(self, tokens):
            return self.rnn(self.embed(tokens))[0][:, -1]

    words = torch.randint(1, 9, (ROWS, 5), generator=torch.Generator().manual_seed(4))
    padded = nn.functional.pad(words, (0, 60))
    found = reach_facts(Last(), (padded, words[:, 0] % 2))
    assert found.constant_end == 60
    assert found.spread < 1e-5


class Gated(nn.Module):
    """A score of one unit weighs the steps, and all else passes beside it."""

    def __init__(self):
        super().__init__()
        self.score = nn.Linear(FEATURES, 1)
        self.head = nn.Linear(FEATURES, 2)

    def forward(self, x):
        return self.head((self.score(x).softmax(1) * x).sum(1))


def test_a_layer_of_one_unit_is_narrow_where_all_passes_through_it():
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Linear(1, 5))
    x = torch.randn(ROWS, 3)
    assert reach_facts(net, (x, x[:, :1])).narrow == ("2",)
    assert reach_facts(Gated(), sequences()).narrow == ("head",)


@pytest.mark.parametrize("mode", [True, False])
def test_model_data_and_random_states_are_left_as_they_were(mode):
    net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    net.train(mode)
    x, y = torch.randn(ROWS, 3), torch.arange(ROWS) % 2
    before = {k: v.clone() for k, v in net.state_dict().items()}
    kept, state = x.clone(), torch.get_rng_state()
    reach_facts(net, (x, y))
    assert torch.equal(x, kept)
    assert torch.equal(torch.get_rng_state(), state)
    assert net.training is mode
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert not any(m._forward_hooks for m in net.modules())


def test_inputs_without_rows_and_models_of_fixed_batches_say_nothing():
    class Fixed(nn.Module):
        def forward(self, x):
            return x.reshape(300, 3) @ torch.ones(3, 1)

    assert reach_facts(nn.Linear(1, 1), (torch.tensor(1.0), torch.tensor(1.0))) is None
    assert reach_facts(Fixed(), (torch.randn(ROWS, 3), torch.randn(ROWS, 1))) is None


class Masked(nn.Module):
    """Attention over tokens 1 and up, or over the padding 0 alone."""

    def __init__(self, *, inverted):
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.first = nn.Parameter(torch.randn(1, 1, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(8, 2)
        self.inverted = inverted

    def forward(self, tokens):
        left_out = (tokens != 0) if self.inverted else (tokens == 0)
        mask = nn.functional.pad(left_out, (1, 0), value=False)
        x = torch.cat([self.first.expand(len(tokens), -1, -1), self.embed(tokens)], 1)
        return self.head(self.encoder(x, src_key_padding_mask=mask)[:, 0])


@pytest.mark.parametrize("inverted", [True, False])
def test_words_under_a_mask_have_no_effect_though_the_padding_has(inverted):
    generator = torch.Generator().manual_seed(5)
    tokens = torch.randint(1, 20, (ROWS, STEPS), generator=generator)
    lengths = torch.randint(4, STEPS + 1, (ROWS, 1), generator=generator)
    tokens[torch.arange(STEPS) >= lengths] = 0
    found = reach_facts(Masked(inverted=inverted), (tokens, lengths[:, 0] % 2))
    assert max(e for e in found.effects if e is not None) > 0.1
    assert all((e == 0) is inverted for e in found.contents)


def test_padding_is_one_token_in_one_run_at_an_end():
    tokens = torch.tensor([[4, 5, 6, 0], [4, 5, 0, 0], [7, 0, 0, 0]])
    assert unpadded(tokens).equal(tokens != 0)
    assert unpadded(tokens.flip(1)).equal(tokens.flip(1) != 0)
    assert unpadded(tokens.float()[..., None].expand(-1, -1, 2)).equal(tokens != 0)
    assert unpadded(tokens[:, [0, 3, 1, 2]]) is None, "in the middle"
    assert unpadded(torch.tensor([[1, 2, 0], [3, 4, 0]])) is None, "as long in all rows"
