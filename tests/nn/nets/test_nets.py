"""The small nets: the lectures' own architectures, the switches, and what is refused."""

import copy
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from torchclinic.core import ModelError, UsageError
from torchclinic.nn.dropout.drop_connect_linear import DropConnectLinear
from torchclinic.nn.nets import MLP, Autoencoder, ResidualConvNet, ResidualMLP, TestNetwork

NETS = {
    "mlp": partial(MLP, 64, 2, 16),
    "rich mlp": partial(MLP, 64, 2, (16, 8), norm="batch", dropout=0.3, activation="tanh"),
    "conv": partial(TestNetwork, size=8),
    "conv with norm": partial(TestNetwork, size=8, norm="layer", dropout=0.2),
    "residual mlp": partial(ResidualMLP, 64, 3, 16, norm="layer", dropout=0.1),
    "residual conv": partial(ResidualConvNet, widths=(4, 8), blocks=2, dropout=0.1),
    "autoencoder": partial(Autoencoder, 64, 16, hidden=(32,), dropout=0.2),
}


@pytest.fixture(params=NETS)
def net(request):
    torch.manual_seed(0)
    return NETS[request.param]()


def images(rows=6):
    return torch.randn(rows, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_all_parameters_get_a_gradient(net):
    net(images()).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())


def test_rows_do_not_meet_in_evaluation_mode(net):
    net.eval()
    x = images()
    alone = torch.cat([net(x[i : i + 1]) for i in range(len(x))])
    torch.testing.assert_close(net(x), alone)


def test_a_copy_through_its_state_computes_the_same(net):
    other = copy.deepcopy(net)
    with torch.no_grad():
        for p in other.parameters():
            p.add_(1.0)
    other.load_state_dict(net.state_dict())
    assert torch.equal(net.eval()(images()), other.eval()(images()))


def test_it_runs_under_autocast_and_can_be_traced(net):
    net.eval()
    x = images()
    with torch.autocast("cpu", torch.bfloat16):
        assert bool(net(x).isfinite().all())
    traced = torch.fx.symbolic_trace(net)
    torch.testing.assert_close(traced(x), net(x))


def test_it_compiles_without_a_break(net):
    net.eval()
    x = images()
    torch._dynamo.reset()
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), net(x))


def test_names_can_stand_for_the_lectures_simple_mnist():
    torch.manual_seed(3)
    sigmoid = nn.Sigmoid()
    lecture = nn.Sequential(
        nn.Linear(784, 100), sigmoid, nn.Linear(100, 100), sigmoid, nn.Linear(100, 10)
    )
    torch.manual_seed(3)
    net = MLP(784, 2, 100, 10, activation="sigmoid")
    assert list(net.layers.state_dict()) == list(lecture.state_dict())
    x = torch.rand(4, 1, 28, 28)
    assert torch.equal(net(x), lecture(x.view(-1, 784)))


def test_the_lectures_conv_net():
    torch.manual_seed(3)
    convolutions = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(2, 4, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
    )
    head = nn.Sequential(
        nn.Linear(196, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    torch.manual_seed(3)
    net = TestNetwork()
    x = torch.rand(5, 1, 28, 28)
    assert torch.equal(net(x), F.log_softmax(head(convolutions(x).flatten(1)), 1))
    assert torch.equal(net(x), net(x.flatten(1)))
    assert sum(p.numel() for p in net.parameters()) == 20 + 76 + 197 * 128 + 129 * 128 + 129 * 10


def kinds(module):
    return [type(layer).__name__ for layer in module]


def test_the_heads_of_the_lecture():
    assert kinds(TestNetwork(norm="batch", hidden=(512, 128)).final_part) == [
        *("Linear", "BatchNorm1d", "ReLU") * 2,
        "Linear",
    ]
    dropped = TestNetwork(dropout=0.3).final_part
    assert kinds(dropped) == [*("Linear", "Dropout", "ReLU") * 2, "Linear"]
    own = nn.Sequential(nn.ReLU(), nn.Linear(196, 10))
    assert TestNetwork(own).final_part is own
    assert not isinstance(TestNetwork(log_softmax=False).log_softmax, nn.LogSoftmax)


def test_the_order_of_norm_activation_and_dropout():
    order = ("activation", "dropout", "norm")
    net = MLP(4, 1, 3, 2, norm="layer", dropout=0.5, order=order)
    assert kinds(net.layers) == ["Linear", "ReLU", "Dropout", "LayerNorm", "Linear"]


def test_factories_make_a_layer_each():
    net = MLP(4, 2, 3, activation=lambda: nn.LeakyReLU(0.2), norm=nn.LayerNorm, dropout=nn.Dropout)
    modules = list(net.layers)
    assert len({id(m) for m in modules}) == len(modules) == 9
    assert MLP(4, 0, 3).layers[0].out_features == 10
    assert kinds(MLP(4, 2, 3, activation=None).layers) == ["Linear"] * 3
    hidden = MLP(4, 2, 3, bias=False, norm="batch").layers
    assert hidden[0].bias is None
    assert hidden[-1].bias is not None


def test_the_start():
    torch.manual_seed(0)
    net = MLP(400, 1, 300, activation="sigmoid", init="xavier-normal")
    assert float(net.layers[0].weight.detach().std()) == pytest.approx((2 / 700) ** 0.5, rel=0.02)
    assert not net.layers[0].bias.any()
    filled = MLP(4, 1, 3, init=lambda m: [nn.init.ones_(p) for p in m.parameters()])
    assert all(bool((p == 1).all()) for p in filled.parameters())


def test_a_residual_net_without_its_blocks_is_the_identity_between():
    net = ResidualMLP(5, 3, 7, 2, activation="tanh")
    plain = ResidualMLP(5, 3, 7, 2, activation="tanh", shortcuts=False)
    with torch.no_grad():
        for made in (net, plain):
            for p in made.blocks.parameters():
                p.zero_()
    x = torch.randn(4, 5)
    torch.testing.assert_close(net(x), net.exit(net.entry(x)))
    assert bool((plain(x) == plain(torch.randn(4, 5))).all())


def test_residual_blocks_can_be_wrapped():
    places = []

    def wrap(block, place):
        places.append(place)
        return block

    net = ResidualConvNet(widths=(4, 8), blocks=2, wrap=wrap, norm=None)
    assert places == [0, 1, 2, 3]
    assert net(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_the_autoencoder_mirrors_its_widths():
    net = Autoencoder(64, 8, hidden=(32, 16), output="sigmoid", dropout=0.5)
    sizes = [m.out_features for m in net.modules() if isinstance(m, nn.Linear)]
    assert sizes == [32, 16, 8, 16, 32, 64]
    y = net(torch.rand(3, 1, 8, 8))
    assert y.shape == (3, 1, 8, 8)
    assert bool(((y > 0) & (y < 1)).all())
    assert net.encode(torch.rand(3, 64)).shape == (3, 8)
    assert net.filters.shape == (32, 64)


@given(st.lists(st.integers(1, 9), max_size=4), st.integers(1, 6), st.integers(1, 5))
def test_any_widths_make_a_net(widths, features, classes):
    net = MLP(features, len(widths), widths, classes)
    assert net(torch.zeros(2, features)).shape == (2, classes)
    assert len(net.layers) == 2 * len(widths) + 1


@pytest.mark.parametrize(
    ("make", "quoted"),
    [
        (lambda: MLP(0), "features is 0"),
        (lambda: MLP(4, -1), "n_layers is -1"),
        (lambda: MLP(4, 2, (3,)), r"width is \[3\]"),
        (lambda: MLP(4, 2, (3, 0)), "width is 0"),
        (lambda: MLP(4, 1, 3, 0), "classes is 0"),
        (lambda: MLP(4, activation="rely"), "'rely'"),
        (lambda: MLP(4, activation=nn.ReLU()), "ReLU"),
        (lambda: MLP(4, activation=lambda: 3), "returned 3"),
        (lambda: MLP(4, norm="butch"), "'butch'"),
        (lambda: MLP(4, norm="instance"), "batch, layer, rms"),
        (lambda: MLP(4, dropout=1.5), "1.5"),
        (lambda: MLP(4, dropout=-0.1), "-0.1"),
        (lambda: MLP(4, order=("norm",)), "norm"),
        (lambda: MLP(4, init=7), "init is 7"),
        (lambda: TestNetwork(size=3), "size is 3"),
        (lambda: TestNetwork(drop_connect=1.0), "drop_connect is 1.0"),
        (lambda: TestNetwork(nn.Linear(196, 10), dropout=0.3), "dropout=0.3"),
        (lambda: TestNetwork(hidden=(128, 0)), "width is 0"),
        (lambda: ResidualMLP(4, 0), "n_blocks is 0"),
        (lambda: ResidualMLP(4, dropout=2.0), "dropout is 2.0"),
        (lambda: ResidualConvNet(widths=()), "widths is empty"),
        (lambda: ResidualConvNet(norm="rms"), "'rms'"),
        (lambda: ResidualConvNet(blocks=True), "blocks is True"),
        (lambda: Autoencoder(4, 0), "code is 0"),
        (lambda: Autoencoder(4, 2, hidden=(1.5,)), "width is 1.5"),
    ],
)
def test_senseless_nets_are_refused(make, quoted):
    with pytest.raises(UsageError, match=quoted):
        make()


@pytest.mark.parametrize("net", [MLP(784), TestNetwork(), ResidualMLP(784), Autoencoder(784)])
def test_rows_of_another_size_are_refused(net):
    with pytest.raises(ModelError, match=r"takes 784 values a row .* \(2, 1, 8, 8\)"):
        net(torch.zeros(2, 1, 8, 8))


def test_drop_connect_in_all_linear_layers_of_the_head():
    net = TestNetwork(drop_connect=0.2)
    head = [type(layer).__name__ for layer in net.final_part]
    assert head == [*("DropConnectLinear", "ReLU") * 2, "DropConnectLinear"]
    assert [layer.p for layer in net.final_part if hasattr(layer, "p")] == [0.2] * 3
    x = torch.rand(3, 1, 28, 28)
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))
    mlp = MLP(5, 2, 4, linear=partial(DropConnectLinear, p=0.5))
    assert [type(m).__name__ for m in mlp.layers] == [*head[:4], "Linear"]


def test_a_scheme_that_does_not_exist():
    with pytest.raises(UsageError, match="'hee'"):
        MLP(4, init="hee")
