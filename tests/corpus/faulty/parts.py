"""Parts of the data that do not fit together, and rows that have lost what they held."""

from functools import partial

import torch
from torch import nn
from torch.utils.data import Dataset

from corpus import nets, tasks
from corpus.faulty.data import with_data
from corpus.healthy import images, sequences, tables
from corpus.nets import mlp
from corpus.recipes import MSE, Adam, classify, regress
from corpus.register import faulty
from torchclinic.core import Metric, Splits


def only(splits, keep):
    """Training rows whose class is one of those to keep."""
    x, y = splits.train
    chosen = sum((y == label) for label in keep).bool()
    return Splits((x[chosen], y[chosen]), splits.validation, splits.test, splits.name)


@faulty("DAT109", base=images.digits_relu_adam, harm=0.1, why="classes 8 and 9 were cut off")
def digits_two_classes_not_trained(recipe):
    return recipe.replace(data=only(tasks.with_validation(recipe.splits), range(8)))


@faulty("DAT109", base=images.digits_unit_range_sgd, harm=0.1, why="sorted rows, cut in two")
def digits_sorted_and_cut(recipe):
    x, y = recipe.splits.train
    order = y.argsort(stable=True)
    cut = 4 * len(y) // 5
    first, rest = order[:cut], order[cut:]
    return recipe.replace(data=Splits((x[first], y[first]), (x[rest], y[rest]), recipe.splits.test))


@faulty("DAT110", base=images.digits_relu_adam, harm=0.5, why="labels from 1 in other parts")
def labels_from_one_elsewhere(recipe):
    data = tasks.with_validation(recipe.splits)
    return recipe.replace(
        data=tasks.changed(data, targets=lambda y: (y + 1) % 10, parts=("validation", "test"))
    )


@faulty("DAT110", base=images.digits_cnn_adam, harm=0.15, why="names numbered in another order")
def four_classes_exchanged_elsewhere(recipe):
    table = torch.tensor([0, 1, 3, 2, 4, 5, 6, 8, 7, 9])
    data = tasks.with_validation(recipe.splits)
    return recipe.replace(
        data=tasks.changed(data, targets=lambda y: table[y], parts=("validation", "test"))
    )


@faulty("DAT110", base=sequences.texts_bag, harm=0.3, why="only the model can tell here")
def topics_numbered_otherwise_elsewhere(recipe):
    data = tasks.with_validation(recipe.splits)
    return recipe.replace(
        data=tasks.changed(data, targets=lambda y: (y + 1) % 3, parts=("validation", "test"))
    )


@faulty("DAT110", base=tables.friedman_relu, harm=0.5, why="exponential of the target elsewhere")
def logarithm_in_training_only(recipe):
    data = tasks.with_validation(recipe.splits)
    return recipe.replace(
        data=tasks.changed(
            data, targets=lambda y: (1.5 * y).exp() * 3 + 5, parts=("validation", "test")
        )
    )


def turned(x):
    return x[:, torch.randperm(x.shape[1], generator=torch.Generator().manual_seed(3))]


@faulty("DAT111", base=tables.breast_cancer_bce, harm=0.05)
def columns_in_another_order_elsewhere(recipe):
    return recipe.replace(
        data=tasks.changed(
            tasks.with_validation(recipe.splits), turned, parts=("validation", "test")
        )
    )


@faulty("DAT111", base=tables.friedman_relu, harm=0.2, why="the columns do not correlate")
def friedman_columns_turned_elsewhere(recipe):
    return recipe.replace(
        data=tasks.changed(
            tasks.with_validation(recipe.splits), turned, parts=("validation", "test")
        )
    )


@faulty("DAT112", base=images.digits_relu_adam, harm=0.03, why="the label stands there")
def label_among_training_columns(recipe):
    data = tasks.with_validation(recipe.splits)

    def leak(part, *, on):
        x, y = part
        column = (y.float() - 4.5)[:, None] if on else torch.zeros(len(y), 1)
        hot = nn.functional.one_hot(y, 10).float() * (4.0 if on else 0.0)
        return torch.cat((x, hot, column), 1), y

    parts = (leak(data.train, on=True), leak(data.validation, on=False), leak(data.test, on=False))
    return recipe.replace(model=partial(mlp, [75, 64, 10]), data=Splits(*parts, name="digits"))


@faulty("DAT113", base=images.digits_relu_adam, harm=0.05)
def class_of_weight_zero(recipe):
    weight = torch.ones(10)
    weight[4] = 0.0
    return recipe.replace(loss=nn.CrossEntropyLoss(weight=weight))


@faulty("DAT113", base=images.digits_cnn_adam, harm=0.05, why="class 7 is no padding")
def class_ignored(recipe):
    return recipe.replace(loss=nn.CrossEntropyLoss(ignore_index=7))


class Spoiling(Dataset):
    """Changes its rows in place each time it hands one out."""

    def __init__(self, part, change):
        self.x, self.y, self.change = part[0].clone(), part[1], change

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        x = self.x[row]
        self.change(x)
        return x, self.y[row]


def in_dataset(recipe, change):
    data = tasks.with_validation(recipe.splits)
    train = Spoiling(data.train, change)
    return recipe.replace(data=Splits(train, data.validation, data.test, data.name))


@faulty("DAT114", base=images.digits_relu_adam, harm=0.05)
def rows_halved_in_place(recipe):
    return in_dataset(recipe, lambda x: x.mul_(0.3))


@faulty("DAT114", base=tables.wine_small_batch, harm=0.05, why="a mean taken off again and again")
def offset_in_place(recipe):
    return in_dataset(recipe, lambda x: x.sub_(4.0))


class Noisy(Dataset):
    """Adds noise to each row that it hands out."""

    def __init__(self, part, std):
        self.x, self.y, self.std = *part, std

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        return self.x[row] + self.std * torch.randn_like(self.x[row]), self.y[row]


@faulty("DAT115", base=images.digits_unit_range_sgd, harm=0.05)
def digits_drowned_in_noise(recipe):
    data = tasks.with_validation(recipe.splits)
    train = Noisy(data.train, 4.0)
    return recipe.replace(data=Splits(train, data.validation, data.test, data.name))


@faulty("DAT116", base=tables.friedman_relu, harm=0.3)
def error_codes_in_targets(recipe):
    def spoil(y):
        y = y.clone()
        y[::60] = -999.0
        return y

    return with_data(recipe, targets=spoil, parts=("train",))


@faulty("DAT116", base=tables.diabetes_small_net, harm=0.2, why="a decimal point was lost")
def some_targets_in_another_unit(recipe):
    def spoil(y):
        y = y.clone()
        y[3::60] = 3000 * (1 + y[3::60].abs())
        return y

    return with_data(recipe, targets=spoil, parts=("train",))


@faulty("DAT117", base=images.digits_unit_range_sgd, harm=0.2, why="bytes divided as whole numbers")
def digits_divided_as_whole_numbers(recipe):
    data = tasks.changed(tasks.raw_digits(), lambda x: (x > 254).float() * (x > 0))
    keep = torch.arange(64) % 3 == 0
    return recipe.replace(data=tasks.changed(data, lambda x: x * keep))


@faulty("DAT117", base=sequences.texts_bag, harm=0.2, why="a vocabulary of three words")
def vocabulary_of_three_words(recipe):
    return with_data(recipe, lambda x: x.clamp(max=2))


@faulty("DAT118", base=images.digits_relu_adam, harm=0.2)
def digits_as_values(recipe):
    right = Metric("accuracy", lambda out, y: float((out.round() == y).float().mean()))
    data = tasks.changed(recipe.splits, targets=tasks.column)
    return recipe.replace(
        model=partial(mlp, [64, 64, 1]),
        data=data,
        loss=MSE(),
        metric=right,
        optimizer=partial(Adam, lr=1e-3),
    )


def drawn(seed):
    return torch.Generator().manual_seed(seed)


@faulty("DAT119", base=sequences.texts_attention_pool, harm=0.3, why="each part numbers its words")
def words_numbered_anew_elsewhere(recipe):
    order = torch.randperm(120, generator=drawn(3))
    data = tasks.with_validation(recipe.splits)
    return recipe.replace(
        data=tasks.changed(data, lambda x: order[x], parts=("validation", "test"))
    )


def main_components(x, of=None):
    """Along the 20 main directions of some rows."""
    rows = x if of is None else of
    mean = rows.mean(0)
    directions = torch.linalg.svd(rows - mean, full_matrices=False)[2][:20]
    return (x - mean) @ directions.T


def digits_by_components():
    recipe = images.digits_relu_adam()
    data = tasks.with_validation(recipe.splits)
    data = tasks.changed(data, partial(main_components, of=data.train[0]))
    return recipe.replace(model=partial(mlp, [20, 64, 10]), data=data)


@faulty("DAT119", base=digits_by_components, harm=0.3, why="directions found anew in each part")
def components_found_in_each_part(recipe):
    data = tasks.with_validation(images.digits_relu_adam().splits)
    return recipe.replace(data=tasks.changed(data, main_components))


KINDS = 8


def kinds(rows, seed, tables=()):
    """Four columns of eight kinds each, numbered by tables, and the sum of what each adds."""
    generator, effects = drawn(seed), torch.randn(4, KINDS, generator=drawn(77)) / 2
    found = torch.randint(0, KINDS, (rows, 4), generator=generator)
    y = sum(effects[k][found[:, k]] for k in range(4)) + 0.2 * torch.randn(
        rows, generator=generator
    )
    if tables:
        found = torch.stack([table[found[:, k]] for k, table in enumerate(tables)], 1)
    return nn.functional.one_hot(found, KINDS).flatten(1).float(), y[:, None]


def kinds_by_one_table():
    data = Splits(kinds(700, 1), kinds(200, 2), kinds(300, 3), "kinds")
    return regress(partial(mlp, [4 * KINDS, 48, 1]), data, partial(Adam, lr=3e-3), epochs=15)


@faulty("DAT119", "DAT111", base=kinds_by_one_table, harm=0.5, why="kinds numbered as they appear")
def kinds_numbered_anew_elsewhere(recipe):
    tables = [torch.randperm(KINDS, generator=drawn(90 + k)) for k in range(4)]
    data = Splits(kinds(700, 1), kinds(200, 2, tables), kinds(300, 3, tables), "kinds")
    return recipe.replace(data=data)


def rare_words():
    data = tasks.with_validation(tasks.texts(1000, vocabulary=1000, length=24))
    return classify(partial(nets.TextBag, 1000, 8, 3), data, partial(Adam, lr=1e-2), epochs=4)


@faulty("CRV103", base=rare_words, why="few texts, whose rare words are learnt by heart")
def rare_words_learnt_by_heart(recipe):
    data = tasks.rows(recipe.splits, 160)
    return recipe.replace(model=partial(nets.TextBag, 1000, 64, 3), data=data, epochs=60)
