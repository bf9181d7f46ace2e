"""Pictures and token numbers that were prepared differently in two parts."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD

from torchclinic.clinic.preflight.data.parts import part_facts
from torchclinic.clinic.preflight.data.pictures import changes
from torchclinic.clinic.preflight.data.token_parts import token_likeness
from torchclinic.core import Recipe, Splits, TargetFacts
from torchclinic.data import digits

CLASSES = TargetFacts("classes")


def pictures():
    x, y = digits(image=True, normalize=False).train
    return (x[:700] / 16, y[:700]), (x[700:900] / 16, y[700:900])


def compared(train, validation):
    recipe = Recipe(
        model=partial(nn.Linear, 4, 2),
        data=Splits(train, validation),
        loss=nn.CrossEntropyLoss(),
        optimizer=partial(SGD, lr=0.1),
        epochs=1,
    )
    facts = part_facts(recipe, CLASSES)
    assert facts is not None
    return facts


SPOILED = {
    "upside down": lambda x: x.flip(2),
    "mirrored": lambda x: x.flip(3),
    "turned by 270 degrees": lambda x: x.rot90(1, (2, 3)),
    "height and width exchanged": lambda x: x.transpose(2, 3),
    "inverted, dark for light": lambda x: 1 - x,
}


@pytest.mark.parametrize("words", SPOILED)
def test_the_change_that_a_part_missed_is_named(words):
    train, (x, y) = pictures()
    facts = compared(train, (SPOILED[words](x), y))
    assert facts.repair == words
    assert facts.repair_agreement is not None
    assert facts.agreement is not None
    assert facts.repair_agreement > 0.9 > facts.agreement + 0.1


def test_like_pictures_need_no_change():
    facts = compared(*pictures())
    assert facts.repair == ""
    assert facts.order == ()


@pytest.mark.parametrize("shape", [(9, 8, 8), (9, 3, 8, 8), (9, 8, 6, 3), (9, 1, 5, 7)])
def test_changes_keep_the_shape(shape):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    found = dict(changes(x, x))
    assert len(found) >= 5
    assert all(changed.shape == x.shape for changed in found.values())
    assert ("channels in reverse order" in found) == (3 in shape)


def words(rows, seed=0, size=60):
    generator = torch.Generator().manual_seed(seed)
    shares = 1 / torch.arange(1.0, size + 1)
    return torch.multinomial(shares, rows * 12, True, generator=generator).reshape(rows, 12)


@pytest.mark.parametrize("seed", range(6))
def test_one_vocabulary_is_alike_and_another_one_is_not(seed):
    train, other = words(300, seed), words(80, seed + 50)
    same = token_likeness(train, other)
    assert same["words"] > 0.8 * same["words_chance"]
    assert same["filler_z"] < 6
    numbers = torch.randperm(60, generator=torch.Generator().manual_seed(seed))
    found = token_likeness(train, numbers[other])
    assert found["words"] < 0.5 * found["words_chance"]
    assert found["words_z"] > 6
    assert found["words_sorted"] > 0.9


def test_rows_filled_up_on_the_other_side():
    train, other = words(300) + 1, words(80, 1) + 1
    train[:, 6:], other[:, :6] = 0, 0
    found = token_likeness(train, other)
    assert found["filler"] == 0
    assert abs(found["filler_shares"][0] - found["filler_shares"][1]) == pytest.approx(1.0)
    assert found["filler_z"] > 6


def test_other_shapes_and_few_rows_say_nothing():
    assert token_likeness(words(10), words(80)) == {}
    assert token_likeness(words(50), words(50)[:, :5]) == {}
    assert token_likeness(words(50) - 5, words(50)) == {}
    assert token_likeness(torch.arange(50), torch.arange(50)) == {}
