"""What the recorder sees, over models of many kinds, and that it changes nothing."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graph.models import (
    HEALTHY,
    Bare,
    OwnRMSNorm,
    PlainAttention,
    Recurrence,
    ResidualBlock,
    SwiGLU,
    Tokens,
    images,
    residual_net,
    sequences,
    tokens,
    transformer,
    vectors,
)
from torchclinic.graph import ForwardRecorder, layer_kind


def record(model, *inputs, outputs=None):
    with ForwardRecorder(model) as recorder:
        model(*inputs)
    return recorder.result(outputs)


def facts(forward_map, *fields):
    return [tuple(getattr(layer, field) for field in fields) for layer in forward_map.layers]


@pytest.mark.parametrize("name", HEALTHY)
def test_all_layers_are_found_and_healthy_models_have_no_linear_pair(name):
    make, inputs = HEALTHY[name]
    model = make()
    found = record(model, inputs())
    parts = {n for n, m in model.named_modules() if layer_kind(m) and list(m.parameters())}
    if name == "bare":
        parts = {"w1", "w2", "w3"}
    inside_attention = {n for n in parts if n.endswith("out_proj")}
    assert {layer.name for layer in found.layers} == parts - inside_attention
    assert [layer.order for layer in found.layers] == list(range(len(found.layers)))
    assert found.linear_pairs == ()
    assert found.inner_softmax == ()
    assert sum(layer.output for layer in found.layers) == 1


def snapshot(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_changes_by_being_recorded(name):
    make, inputs = HEALTHY[name]
    results = []
    for watched in (False, True):
        torch.manual_seed(3)
        model = make()
        hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            recorder = ForwardRecorder(model)
            if watched:
                with recorder:
                    output = model(inputs())
            else:
                output = model(inputs())
            output = output["scores"] if isinstance(output, dict) else output
            output.square().mean().backward()
            optimizer.step()
        assert hooks == sum(
            len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()
        )
        results.append((snapshot(model), torch.get_rng_state(), output.detach()))
    for key, value in results[0][0].items():
        assert torch.equal(value, results[1][0][key])
    assert torch.equal(results[0][1], results[1][1])
    assert torch.equal(results[0][2], results[1][2])


def test_hooks_are_gone_and_the_mode_is_off_after_an_exception():
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            raise ValueError(self.fc(x).shape)

    model = Broken()
    with pytest.raises(ValueError, match="4"), ForwardRecorder(model):
        model(vectors())
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())
    assert torch.overrides._len_torch_function_stack() == 0


def test_a_layer_that_raises_and_is_caught_does_not_blind_the_recorder():
    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.wrong, self.right = nn.Linear(3, 2), nn.Linear(4, 2)

        def forward(self, x):
            try:
                return self.wrong(x)
            except RuntimeError:
                return torch.relu(self.right(x))

    assert facts(record(Tries(), vectors()), "name", "activation") == [("right", "relu")]


def test_bare_parameters_with_functions_and_in_place_operations():
    found = record(Bare(), vectors())
    assert facts(found, "name", "kind", "activation", "fans", "bias") == [
        ("w1", "Parameter", "relu", (4, 5), True),
        ("w2", "Parameter", "tanh", (5, 3), False),
        ("w3", "Parameter", None, (3, 2), False),
    ]
    assert [layer.output for layer in found.layers] == [False, False, True]


def test_residual_net():
    found = record(residual_net(), images())
    assert found.residual
    assert found.norms == 4
    by_name = {layer.name: layer for layer in found.layers}
    first, second = by_name["2.conv1"], by_name["2.conv2"]
    assert (first.activation, first.normalised, first.residual) == ("relu", True, True)
    assert (second.activation, second.sum_activation, second.residual) == (None, "relu", True)
    assert by_name["3.shortcut"].residual
    assert not by_name["0"].residual
    assert not by_name["6"].residual


@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer(norm_first):
    found = record(transformer(norm_first), tokens())
    by_name = {layer.name: layer for layer in found.layers}
    assert by_name["1.self_attn"].kind == "MultiheadAttention"
    assert by_name["1.linear1"].activation == "relu"
    assert {n for n, layer in by_name.items() if layer.residual} >= {
        "1.self_attn",
        "1.linear1",
        "1.linear2",
    }
    assert [n for n, layer in by_name.items() if layer.output] == ["3"]


def test_attention_by_hand_has_shortcuts_and_no_inner_softmax():
    found = record(PlainAttention(), sequences())
    assert found.residual
    assert {layer.name for layer in found.layers if layer.residual} == {
        "q",
        "k",
        "v",
        "out",
        "up",
        "down",
    }


def test_a_recurrence_is_no_shortcut_and_its_layers_run_many_times():
    found = record(Recurrence(), sequences())
    assert not found.residual
    assert facts(found, "name", "calls", "activation", "sum_activation") == [
        ("W", 5, None, "tanh"),
        ("U", 4 + 1, None, "tanh"),
        ("head", 1, None, None),
    ]


def test_lstm_with_a_sigmoid_method_at_the_end():
    found = record(Tokens(), tokens())
    assert facts(found, "name", "kind") == [
        ("embedding", "Embedding"),
        ("lstm", "LSTM"),
        ("head", "Linear"),
    ]
    assert found.output_activation == "sigmoid"
    assert found.output_activation_module is None


def test_a_gate_written_out_is_no_saturating_sigmoid():
    assert record(SwiGLU(), vectors()).layer("gate").activation == "silu"


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (lambda x: x.clamp(min=0), "relu"),
        (lambda x: x.clamp_min(0), "relu"),
        (lambda x: torch.maximum(x, torch.zeros(())), "relu"),
        (lambda x: F.threshold(x, 0, 0), "relu"),
        (lambda x: x.clamp(0, 6), "relu6"),
        (lambda x: torch.clamp(x, -1, 1), "hardtanh"),
        (nn.ReLU6(), "relu6"),
        (nn.Hardtanh(), "hardtanh"),
        (lambda x: x.sigmoid_(), "sigmoid"),
        (lambda x: F.leaky_relu(x, 0.2, inplace=True), "leaky_relu"),
        (nn.PReLU(), "prelu"),
        (lambda x: F.dropout(x.view(-1, 2, 4), 0.5).flatten(1).tanh(), "tanh"),
        (lambda x: F.gelu(x.T.contiguous().mT), "gelu"),
        (lambda x: F.max_pool1d(x[:, None], 2, 1, 1)[:, 0, :8].relu(), "relu"),
        (lambda x: torch.cat([F.relu(part) for part in x.chunk(2, dim=1)], 1), "relu"),
        (lambda x: F.selu(torch.stack(list(x.unbind(1)), 1).to(torch.float32)), "selu"),
        (lambda x: x.double().softmax(-1).float() * x, "softmax"),
        (torch.exp, None),
        (lambda x: x.clamp(min=-3), None),
        (lambda x: x.sigmoid() + x.tanh(), None),
    ],
)
def test_activations_written_in_many_ways(between, expected):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 2)
            self.between = between

        def forward(self, x):
            return self.b(self.between(self.a(x)))

    found = record(Net(), vectors())
    assert found.layer("a").activation == expected
    assert found.linear_pairs == ()


def test_a_write_into_a_slice_is_followed():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 2)

        def forward(self, x):
            out = torch.zeros(len(x), 8)
            out[:, :8] = self.a(x)
            out[:, 2:].relu_()
            return self.b(out)

    found = record(Net(), vectors())
    assert found.layer("a").activation == "relu"


def test_one_activation_instance_in_several_slots():
    act = nn.Sigmoid()
    model = nn.Sequential(nn.Linear(4, 4), act, nn.Linear(4, 4), act, nn.Linear(4, 1), act)
    found = record(model, vectors())
    assert facts(found, "activation_module") == [("1",), ("3",), ("5",)]
    assert (found.output_activation, found.output_activation_module) == ("sigmoid", "5")


def test_a_shared_layer_is_one_layer_with_several_calls():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.head = nn.Linear(4, 4), nn.Linear(4, 1)
            self.alias = self.fc

        def forward(self, x):
            return self.head(torch.tanh(self.alias(torch.tanh(self.fc(x)))))

    found = record(Net(), vectors())
    assert facts(found, "name", "calls", "activation") == [("fc", 2, "tanh"), ("head", 1, None)]


def test_dict_and_tuple_outputs_and_a_chosen_output():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(4, 1)

        def forward(self, x, *, scale):
            h = F.relu(self.body(x * scale))
            return {"a": self.a(h), "more": (h, self.b(h).sigmoid())}

    model = Net()
    with ForwardRecorder(model) as recorder:
        output = model(vectors(), scale=2.0)
    assert facts(recorder.result(), "output") == [(True,), (True,), (True,)]
    chosen = recorder.result(output["more"][1])
    assert [layer.name for layer in chosen.layers if layer.output] == ["b"]
    assert chosen.output_activation == "sigmoid"


def test_an_activation_outside_of_the_model_counts_where_the_output_is_chosen():
    model = nn.Linear(4, 2)
    with ForwardRecorder(model) as recorder:
        scores = torch.softmax(model(vectors()), 1)
    assert recorder.result().output_activation is None
    assert recorder.result(scores).output_activation == "softmax"


def test_layers_called_without_the_model():
    model = nn.ModuleDict({"encoder": nn.Linear(4, 3), "decoder": nn.Linear(3, 4)})
    with ForwardRecorder(model) as recorder:
        model["decoder"](torch.relu(model["encoder"](vectors())))
    found = recorder.result()
    assert facts(found, "name", "activation", "output") == [
        ("encoder", "relu", False),
        ("decoder", None, True),
    ]


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.from_numpy(x.detach().numpy() * 2)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


def test_what_torch_hides_counts_as_non_linear():
    class Hidden(nn.Module):
        def forward(self, x):
            return Doubled.apply(x)

    found = record(nn.Sequential(nn.Linear(4, 4), Hidden(), nn.Linear(4, 2)), vectors())
    assert found.linear_pairs == ()
    assert facts(found, "output") == [(False,), (True,)]


@pytest.mark.filterwarnings("ignore:`torch.jit.*:DeprecationWarning")
def test_scripted_and_lazy_modules():
    scripted = torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.ReLU()))
    model = nn.Sequential(nn.LazyLinear(8), nn.Tanh(), scripted, nn.Linear(8, 1))
    found = record(model, vectors())
    names = [layer.name for layer in found.layers]
    assert names[0] == "0"
    assert names[-1] == "3"
    assert found.layer("0").activation == "tanh"
    assert found.linear_pairs == ()


def test_custom_norms_and_parametrised_layers_have_their_kind():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)), OwnRMSNorm(4))
    found = record(model, vectors())
    assert facts(found, "kind", "normalised", "is_norm") == [
        ("Linear", True, False),
        ("OwnRMSNorm", False, True),
    ]


def test_a_subclass_of_a_layer_with_its_own_forward():
    class Scaled(nn.Linear):
        def forward(self, x):
            return torch.relu(F.linear(x, self.weight, self.bias) * 0.5)

    found = record(nn.Sequential(Scaled(4, 3), nn.Linear(3, 1)), vectors())
    assert facts(found, "name", "kind", "activation") == [
        ("0", "Linear", "relu"),
        ("1", "Linear", None),
    ]


def test_outputs_are_told_before_they_are_overwritten():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), Bare2(8))
    seen = {}
    with ForwardRecorder(model, lambda name, out: seen.update({name: out.detach().clone()})):
        model(vectors())
    assert (seen["0"] < 0).any()
    expected = model[1](model[0](vectors())) @ model[2].w + 3.0
    assert torch.allclose(seen["2.w"], expected)


class Bare2(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.w = nn.Parameter(torch.randn(width, 2))
        self.b = nn.Parameter(torch.full((2,), 3.0))

    def forward(self, x):
        return torch.tanh(x @ self.w + self.b)


def test_standard_block_is_recognised_alone():
    found = record(ResidualBlock(3, 3), images())
    assert found.residual
    assert all(layer.residual for layer in found.layers)


class SharedActivation(nn.Module):
    """The specification's way: one activation, in every slot of a sequence and as an attribute."""

    def __init__(self):
        super().__init__()
        self.activation = nn.Sigmoid()
        layers = [(nn.Linear(4, 4), self.activation) for _ in range(3)]
        self.layers = nn.Sequential(*(module for pair in layers for module in pair))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.activation(self.layers(x)))


def test_a_slot_in_the_running_sequence_comes_before_an_attribute():
    found = record(nn.Sequential(SharedActivation(), nn.Flatten()), vectors())
    names = [op.module for op in found.ops if op.activation]
    assert names == ["0.layers.1", "0.layers.3", "0.layers.5", "0.activation"]
    assert facts(found, "activation_module")[:2] == [("0.layers.1",), ("0.layers.3",)]


def test_a_sequence_that_runs_twice_has_the_same_slots_twice():
    act = nn.Tanh()
    inner = nn.Sequential(nn.Linear(4, 4), act, nn.Linear(4, 4), act)

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(self.inner(x))

    found = record(Twice(), vectors())
    names = [op.module for op in found.ops if op.activation]
    assert names == ["inner.1", "inner.3"] * 2


def test_inputs_may_be_made_inside_the_recorder():
    model = Bare()
    with ForwardRecorder(model) as recorder:
        model(torch.ones(3, 4))
    assert facts(recorder.result(), "name") == [("w1",), ("w2",), ("w3",)]


@pytest.mark.parametrize("in_place", [True, False])
def test_compiled_modules_are_run_as_they_were_written(in_place):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    expected = model(vectors())
    if in_place:
        model.compile(backend="eager")
        compiled = model
    else:
        compiled = torch.compile(model, backend="eager")
    found = record(compiled, vectors())
    prefix = "" if in_place else "_orig_mod."
    assert facts(found, "name", "activation") == [(f"{prefix}0", "relu"), (f"{prefix}2", None)]
    assert torch.equal(compiled(vectors()), expected)


def test_hooks_may_be_removed_while_torch_walks_over_them():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    recorder = ForwardRecorder(model)
    ends = model[0].register_forward_pre_hook(lambda *_: recorder.__exit__(None, None, None))
    recorder.__enter__()
    assert model(vectors()).shape == (6, 4)
    ends.remove()
    assert model(vectors()).shape == (6, 4)
    assert torch.overrides._len_torch_function_stack() == 0
