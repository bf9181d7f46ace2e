"""The modules that people build: in-place, shared, bare, lazy, sparse, tied, frozen, compiled."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import torchclinic as tc
from torchclinic.watch import WatchOptions

ROWS = 16


def watched(model, inputs, steps=3, lr=0.05, optimizer=torch.optim.SGD, **options):
    """Trace, and the outputs, gradients there, and parameters of each step by plain hooks."""
    updater = optimizer(model.parameters(), lr=lr)
    with WatchOptions(every=1, **options).start(model, updater) as watch:
        for _ in range(steps):
            updater.zero_grad()
            out = model(inputs)
            out = out[0] if isinstance(out, tuple) else out
            out.square().mean().backward()
            updater.step()
    return watch.trace


def regressed(inplace):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace), nn.Linear(8, 8), nn.ReLU(inplace))


def test_an_activation_in_place_changes_no_reading():
    x = torch.randn(ROWS, 6)
    plain, inplace = (watched(regressed(flag), x) for flag in (False, True))
    for layer in plain.layers:
        other = inplace.layer(layer.name)
        assert layer.series.keys() == other.series.keys()
        for name, series in layer.series.items():
            assert other[name].values == pytest.approx(series.values, rel=1e-5), name
        assert min(other["activation_min"].values) < 0  # before the activation, not after it


def test_an_output_overwritten_after_the_step_is_left_out_and_then_copied():
    model = nn.Sequential(nn.Linear(6, 4))
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(ROWS, 6)
    with tc.watch(model, updater, every=1) as watch:
        for _ in range(4):
            updater.zero_grad()
            out = model(x)
            out.square().mean().backward()
            updater.step()
            with torch.no_grad():
                out.fill_(1e6)  # a metric computed in place
    values = watch.trace.layer("0")["activation_max"].values
    assert values
    assert max(values) < 100


def test_a_shared_module_pools_both_calls():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Linear(4, 4)

        def forward(self, x):
            return self.block(10 * self.block(x))

    torch.manual_seed(0)
    model, x = Twice(), torch.randn(ROWS, 4)
    with torch.no_grad():
        first = model.block(x)
        both = torch.cat([first, model.block(10 * first)])
    layer = watched(model, x, steps=1).layer("block")
    assert layer["activation_mean"].last == pytest.approx(float(both.mean()), rel=1e-4)
    assert layer["activation_std"].last == pytest.approx(float(both.std(correction=0)), rel=1e-4)
    assert layer["activation_max"].last == pytest.approx(float(both.max()), rel=1e-5)


def test_a_module_under_two_names_is_one_layer():
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.Tanh(), shared)
    trace = watched(model, torch.randn(ROWS, 4))
    assert [layer.name for layer in trace.layers] == ["0"]


class BareNet(nn.Module):
    """The specification's: weights are parameters of the model itself."""

    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(6, 8))
        self.b1 = nn.Parameter(torch.randn(8))
        self.w2 = nn.Parameter(torch.randn(8, 3))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        h = x.flatten(1) @ self.w1 + self.b1
        return self.scale * (torch.tanh(h) @ self.w2)


def test_bare_parameters_in_a_product_are_layers_with_all_statistics():
    torch.manual_seed(0)
    model, x = BareNet(), torch.randn(ROWS, 6)
    with torch.no_grad():
        pre = x @ model.w1 + model.b1
    trace = watched(model, x, steps=3)
    assert [(layer.name, layer.kind, layer.activation) for layer in trace.layers] == [
        ("w1", "Parameter", "tanh"),
        ("w2", "Parameter", None),
    ]
    layer = trace.layer("w1")
    assert layer["activation_mean"].values[0] == pytest.approx(float(pre.mean()), rel=1e-4)
    saturated = float((pre.abs() >= 2.5).float().mean())
    assert layer["saturated_share"].values[0] == pytest.approx(saturated, abs=1e-6)
    for name in ("gradient_norm", "weight_norm", "update_ratio", "output_gradient_rms"):
        assert len(layer[name]) == 3, name
    everything = torch.cat([p.grad.flatten() for p in model.parameters()])
    assert trace.steps["total_gradient_norm"].last == pytest.approx(
        float(everything.norm()), rel=1e-4
    )


def test_a_lazy_layer_is_read_from_its_first_batch_on():
    model = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, 2))
    updater = None
    x = torch.randn(ROWS, 6)
    watch = tc.watch(model, updater, every=1)
    with watch:
        for _ in range(3):
            model.zero_grad()
            model(x).square().mean().backward()
    layer = watch.trace.layer("0")
    assert len(layer["gradient_norm"]) == 3
    assert layer.kind == "Linear"


@pytest.mark.parametrize("sparse", [False, True])
def test_embeddings_with_dense_and_sparse_gradients(sparse):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(50, 4, sparse=sparse), nn.Flatten(), nn.Linear(12, 2))
    trace = watched(model, torch.randint(0, 5, (ROWS, 3)))
    gradient = model[0].weight.grad
    norm = float((gradient.to_dense() if sparse else gradient).norm())
    assert trace.layer("0")["gradient_norm"].last == pytest.approx(norm, rel=1e-4)
    assert trace.layer("0")["update_ratio"].last > 0


def test_tied_weights_count_once_in_the_total_and_in_both_layers():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.out = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
            self.out.weight = self.embed.weight

        def forward(self, x):
            return self.out(self.embed(x))

    trace = watched(Tied(), torch.randint(0, 9, (ROWS, 3)))
    one, other = trace.layer("embed"), trace.layer("out")
    assert one["gradient_norm"].values == other["gradient_norm"].values
    assert trace.steps["total_gradient_norm"].values == pytest.approx(one["gradient_norm"].values)


def test_frozen_layers_say_that_they_are_frozen_and_are_read_once_thawed():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    model[0].requires_grad_(False)
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(ROWS, 6)
    with tc.watch(model, updater, every=1) as watch:
        for step in range(6):
            if step == 3:
                assert "frozen" in watch.trace.layer("0").not_applicable["gradient_norm"]
                model[0].requires_grad_(True)
            updater.zero_grad()
            model(x).square().mean().backward()
            updater.step()
    layer = watch.trace.layer("0")
    assert layer["gradient_norm"].steps == (4, 5, 6)
    assert layer["update_ratio"].steps == (4, 5, 6)
    assert layer["activation_mean"].steps == (1, 2, 3, 4, 5, 6)


def test_weights_moved_to_other_memory_are_still_followed():
    model = nn.Sequential(nn.Linear(6, 3))
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(ROWS, 6)
    with tc.watch(model, updater, every=1) as watch:
        for _ in range(4):
            model[0].weight.data = 2 * model[0].weight.data
            updater.zero_grad()
            model(x).square().mean().backward()
            norm = float(model[0].weight.detach().norm())
            updater.step()
    assert watch.trace.layer("0")["weight_norm"].last == pytest.approx(norm, rel=1e-5)


def test_a_parametrised_weight_belongs_to_its_layer():
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(6, 8)), nn.ReLU(), nn.Linear(8, 2))
    trace = watched(model, torch.randn(ROWS, 6))
    assert [(layer.name, layer.kind) for layer in trace.layers] == [
        ("0", "Linear"),
        ("2", "Linear"),
    ]
    assert len(trace.layer("0")["gradient_norm"]) == 3


def test_attention_reads_what_can_be_read_and_explains_the_rest():
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    trace = watched(model, torch.randn(4, 5, 8))
    attention, inner = trace.layer("self_attn"), trace.layer("self_attn.out_proj")
    assert len(attention["activation_std"]) == 3
    assert len(inner["gradient_norm"]) == 3
    assert "not called" in inner.not_applicable["activation_mean"]


def test_units_of_a_convolution_are_channels_over_all_positions():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))
    with torch.no_grad():
        model[0].bias[0] = -100.0
    trace = watched(model, torch.randn(64, 1, 4, 4), steps=10, lr=1e-5)
    silent = trace.layer("0")["silent_share"]
    assert silent.last == pytest.approx(0.25)
    assert silent.steps[0] == 9  # 8 x 64 samples, from when the activation is known
    assert "no activation" in trace.layer("3").not_applicable["silent_share"]


def test_large_outputs_are_read_in_part_and_come_close():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(True), nn.Conv2d(16, 4, 3))
    x = torch.randn(32, 3, 24, 24) + 0.5
    with torch.no_grad():
        out = model[0](x)
    layer = watched(model, x, steps=1).layer("0")
    assert out.numel() > 4000
    assert layer["activation_std"].last == pytest.approx(float(out.std()), rel=0.1)
    assert layer["activation_mean"].last == pytest.approx(float(out.mean()), abs=0.05)
    assert layer["output_gradient_rms"].last > 0


def test_memory_formats_and_outputs_that_are_not_dense():
    torch.manual_seed(0)

    class Strided(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 16, 3, padding=1), Every()

        def forward(self, x):
            return self.b(self.a(x))

    class Every(nn.Linear):
        def __init__(self):
            super().__init__(24, 24)

        def forward(self, x):
            return super().forward(x)[..., ::2]

    model = Strided().to(memory_format=torch.channels_last)
    x = torch.randn(8, 3, 24, 24).to(memory_format=torch.channels_last)
    trace = watched(model, x, steps=2)
    for layer in trace.layers:
        assert len(layer["activation_std"]) == 2, layer.not_applicable
        assert len(layer["output_gradient_rms"]) == 2


def test_large_weights_are_compared_in_part():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(300, 300)), torch.randn(ROWS, 300)
    updater = torch.optim.SGD(model.parameters(), lr=0.5)
    exact = []
    with tc.watch(model, updater, every=1) as watch:
        for _ in range(4):
            before = model[0].weight.detach().clone()
            updater.zero_grad()
            model(x).square().mean().backward()
            updater.step()
            exact.append(float((model[0].weight.detach() - before).norm() / before.norm()))
    assert watch.trace.layer("0")["update_ratio"].values == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions(dtype):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).to(dtype)
    trace = watched(model, torch.randn(ROWS, 6, dtype=dtype))
    weight = float(model[0].weight.detach().double().norm())
    assert trace.layer("0")["weight_norm"].last == pytest.approx(weight, rel=0.05)
    for layer in trace.layers:
        assert len(layer["activation_std"]) == 3
        assert set(layer["nonfinite"].values) == {0.0}


def test_non_finite_elements_are_counted_one_by_one():
    model = nn.Sequential(nn.Linear(6, 4, bias=False))
    with torch.no_grad():
        model[0].weight[0, :2] = float("inf")
    x = torch.zeros(ROWS, 6)
    x[:5, 2] = float("nan")
    trace = watched(model, x, steps=1)
    # outputs: 0 * inf is NaN in unit 0 of all rows; the other 3 units in the 5 NaN rows
    # weights: 2; gradients: NaN all over
    assert trace.layer("0")["nonfinite"].last == (ROWS + 3 * 5) + 2 + 24


@pytest.mark.parametrize("way", ["model", "part", "method"])
def test_compiled_modules_keep_their_parameter_statistics(way):
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    model, names = inner, ["0", "2"]
    if way == "model":
        model = torch.compile(inner, backend="eager")
    elif way == "part":
        model = nn.Sequential(torch.compile(inner, backend="eager"), nn.Linear(3, 2))
        names = ["0.0", "0.2", "1"]
    else:
        inner.compile(backend="eager")
    trace = watched(model, torch.randn(ROWS, 6))
    assert [layer.name for layer in trace.layers] == names
    first = trace.layers[0]
    assert "compiled" in first.not_applicable["activation_mean"]
    assert len(first["gradient_norm"]) == 3
    assert len(first["update_ratio"]) == 3
    if way == "part":
        assert len(trace.layer("1")["activation_mean"]) == 3


def test_a_model_that_is_compiled_behind_the_watchs_back_is_not_disturbed():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    with tc.watch(model, updater, every=1) as watch:
        for _ in range(3):
            updater.zero_grad()
            compiled(torch.randn(ROWS, 6)).square().mean().backward()
            updater.step()
    assert watch.trace.cost.steps == 3
    assert len(watch.trace.layer("0")["gradient_norm"]) == 3


def test_a_module_named_exactly_is_watched_though_it_has_no_parameters():
    model = nn.Sequential(nn.Linear(6, 8), nn.Sigmoid(), nn.Linear(8, 3))
    trace = watched(model, torch.randn(ROWS, 6), layers="1, 2")
    assert [(layer.name, layer.weighted) for layer in trace.layers] == [("1", False), ("2", True)]
    sigmoid = trace.layer("1")
    assert 0 < sigmoid["activation_min"].last < sigmoid["activation_max"].last < 1
    assert sigmoid.not_applicable["weight_norm"] == "it has no parameters"


def test_a_pattern_without_a_layer_is_noted():
    trace = watched(regressed(False), torch.randn(ROWS, 6), layers=["0", "conv*"])
    assert any("'conv*' matches no layer" in note for note in trace.notes)


def test_layers_come_in_the_order_of_the_forward_pass():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.unused, self.first = nn.Linear(8, 3), nn.Linear(2, 2), nn.Linear(6, 8)

        def forward(self, x):
            return self.last(torch.relu(self.first(x)))

    trace = watched(Backwards(), torch.randn(ROWS, 6))
    assert [layer.name for layer in trace.layers] == ["first", "last", "unused"]
    assert [layer.order for layer in trace.layers] == [0, 1, 2]
    unused = trace.layer("unused")
    assert "not called" in unused.not_applicable["activation_mean"]
    assert unused.not_applicable["gradient_norm"] == "its parameters got no gradient"


def test_a_forward_that_is_never_called_leaves_the_activations_unknown():
    model = nn.ModuleDict({"body": nn.Linear(6, 4), "head": nn.Linear(4, 2)})
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    with tc.watch(model, updater, every=1) as watch:
        for _ in range(3):
            updater.zero_grad()
            x = torch.relu(model["body"](torch.randn(ROWS, 6)))
            model["head"](x).square().mean().backward()
            updater.step()
    trace = watch.trace
    assert len(trace.layer("body")["activation_mean"]) == 3
    assert "not known" in trace.layer("body").not_applicable["silent_share"]
    assert any("own forward was not called" in note for note in trace.notes)


def test_a_forward_that_raises_and_is_called_again():
    class Once(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.fails = nn.Linear(6, 3), True

        def forward(self, x):
            out = torch.relu(self.a(x))
            if self.fails:
                self.fails = False
                raise ZeroDivisionError
            return out

    model = Once()
    updater = torch.optim.SGD(model.parameters(), lr=0.1)
    with tc.watch(model, updater, every=1) as watch:
        for _ in range(3):
            try:
                model(torch.randn(ROWS, 6)).sum().backward()
            except ZeroDivisionError:
                continue
            updater.step()
    assert watch.trace.layer("a").activation == "relu"
    assert not model._forward_hooks
    assert not model.a._forward_hooks
