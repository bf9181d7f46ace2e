"""What holds for every layer that drops something."""

import copy

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

import torchclinic.nn.dropout as package
from nn.dropout.members import BELOW_ONE, MEMBERS, PLAIN, example, make, without_dropping
from torchclinic.core import UsageError
from torchclinic.nn.dropout import DropoutLike

everyone = pytest.mark.parametrize("name", MEMBERS)


def test_every_layer_of_the_package_is_a_member():
    kinds = {
        name
        for name in package.__all__
        if isinstance(getattr(package, name), type)
        and issubclass(getattr(package, name), nn.Module)
    }
    assert kinds - {"DropConnect"} == {name.split()[0] for name in MEMBERS}


@everyone
def test_in_evaluation_mode_nothing_is_dropped(name):
    layer, x = make(name, 0.7).eval(), example(name)
    assert torch.equal(layer(x), without_dropping(layer, x))


@everyone
def test_with_a_rate_of_0_nothing_is_dropped_and_nothing_is_drawn(name):
    layer, x = make(name, 0.0).train(), example(name)
    before = torch.get_rng_state()
    assert torch.equal(layer(x), without_dropping(layer, x))
    assert torch.equal(torch.get_rng_state(), before)


@everyone
def test_with_a_rate_of_1_nothing_is_left_and_nothing_is_nan(name):
    if name in BELOW_ONE:
        with pytest.raises(UsageError, match=r"p is 1\.0"):
            make(name, 1.0)
        return
    layer, x = make(name, 1.0).train(), example(name)
    y = layer(x)
    if "Connect" in name and "Weight" not in name:
        y = y - layer.bias.view(-1, *[1] * (y.dim() - 2))
    assert torch.equal(y, torch.zeros_like(y))


@everyone
def test_the_expectation_over_masks_is_the_output_without_dropping(name):
    layer, x = make(name, 0.3, double=True).train(), example(name, double=True)
    torch.manual_seed(5)
    draws = torch.stack([layer(x) for _ in range(3000)])
    error = draws.std(0) / 3000**0.5
    gap = (draws.mean(0) - without_dropping(layer, x)).abs()
    if name.startswith("DropBlock"):  # scaled to the same sum over the batch, not at each place
        gap, error = gap.mean(), x.abs().mean() / 10
    assert bool((gap <= 5 * error + 1e-9).all())


@everyone
def test_a_seed_gives_the_same_masks_and_another_seed_others(name):
    layer, x = make(name, 0.5).train(), example(name)
    found = []
    for seed in (3, 3, 4, 6, 7):
        torch.manual_seed(seed)
        found.append(layer(x))
    assert torch.equal(found[0], found[1])
    assert not all(torch.equal(found[0], other) for other in found[2:])


@everyone
def test_gradients_in_double_precision(name):
    layer, x = make(name, 0.4, double=True).train(), example(name, double=True)[:2]

    def with_one_mask(x, *parameters):
        torch.manual_seed(11)
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    names = [key for key, _ in layer.named_parameters()]
    inputs = (x.requires_grad_(), *layer.parameters())
    assert torch.autograd.gradcheck(with_one_mask, inputs)


@everyone
@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), "half", None, True])
def test_a_rate_that_is_no_probability_is_refused_with_its_value(name, p):
    with pytest.raises(UsageError, match=f"p is {p!r}"):
        make(name, p)


@everyone
def test_the_state_goes_through_safetensors(name):
    layer, x = make(name, 0.5), example(name)
    state = layer.state_dict()
    other = make(name, 0.5)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    if state:
        other.load_state_dict(load(save(state)))
    torch.manual_seed(2)
    y = layer(x)
    torch.manual_seed(2)
    assert torch.equal(other(x), y)


@everyone
@pytest.mark.parametrize("training", [True, False])
def test_compiles_without_a_graph_break(name, training):
    layer, x = make(name, 0.5).train(training), example(name)
    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.manual_seed(4)
    y = compiled(x)
    torch.manual_seed(4)
    assert torch.allclose(y, layer(x), atol=1e-6)


@everyone
def test_under_vmap_each_sample_has_a_mask_of_its_own(name):
    layer, x = make(name, 0.5).train(), example(name)
    torch.manual_seed(8)
    y = torch.func.vmap(lambda _: layer(x), randomness="different")(torch.arange(12))
    assert y.shape[1:] == layer(x).shape
    assert len({tuple(draw.flatten().tolist()) for draw in y}) > 1
    same = torch.func.vmap(lambda _: layer(x), randomness="same")(torch.arange(3))
    assert torch.equal(same[0], same[2])


@everyone
def test_gradients_under_vmap_as_in_a_stack_of_trainings(name):
    layer = make(name, 0.5).train()
    x = torch.stack([example(name, seed=seed) for seed in (1, 2, 3)])
    parameters = {key: p.detach().expand(3, *p.shape) for key, p in layer.named_parameters()}

    def loss(own, rows):
        return torch.func.functional_call(layer, own, (rows,)).square().sum()

    torch.manual_seed(0)
    gradients = torch.func.vmap(
        torch.func.grad(loss, argnums=(0, 1)), in_dims=(0, 0), randomness="different"
    )(parameters, x)
    assert gradients[1].shape == x.shape
    assert bool(gradients[1].isfinite().all())
    assert {key: g.shape for key, g in gradients[0].items()} == {
        key: p.shape for key, p in parameters.items()
    }


@everyone
def test_autocast_and_half_precision_keep_their_types(name):
    layer, x = make(name, 0.5).train(), example(name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
    affine = "Connect" in name and "Weight" not in name
    assert y.dtype == (torch.bfloat16 if affine else torch.float32)
    assert copy.deepcopy(layer).bfloat16()(x.bfloat16()).dtype == torch.bfloat16


@everyone
def test_device_and_type_come_from_the_input(name):
    """On the meta device a tensor made elsewhere would be refused."""
    layer = make(name, 0.5).train().to("meta")
    x = example(name).to("meta")
    if name.startswith("DropBlock"):
        y = layer(x)
    else:
        y = layer(x.double()) if name in PLAIN else layer(x)
    assert y.device.type == "meta"
    assert y.shape == make(name, 0.5)(example(name)).shape


@everyone
def test_monte_carlo_dropout_knows_it(name):
    assert isinstance(make(name, 0.5), DropoutLike)
    assert "p=0.5" in repr(make(name, 0.5))
