"""Inputs, labels and targets that are wrong."""

from dataclasses import replace
from functools import partial

import torch
from torch.utils.data import DataLoader, TensorDataset

from corpus import tasks
from corpus.healthy import images, plane, sequences, tables
from corpus.nets import mlp
from corpus.recipes import BCE, SGD, Adam
from corpus.register import faulty
from corpus.tasks import changed


def with_data(recipe, inputs=None, targets=None, parts=("train", "validation", "test")):
    return recipe.replace(data=changed(recipe.splits, inputs, targets, parts))


@faulty("DAT101", base=images.digits_unit_range_sgd)
def digits_bytes_sgd(recipe):
    return recipe.replace(data=tasks.raw_digits())


@faulty("DAT101", base=images.digits_cnn_batchnorm_cosine, why="no norm hides the scale")
def cnn_bytes(recipe):
    from corpus.nets import cnn

    return recipe.replace(model=cnn, data=tasks.raw_digits(image=True))


@faulty("DAT101", "INI104", base=images.digits_one_sigmoid_adam)
def sigmoid_on_bytes(recipe):
    return recipe.replace(data=tasks.raw_digits())


@faulty("DAT101", base=tables.breast_cancer_bce, why="areas in the thousands beside fractions")
def breast_cancer_raw(recipe):
    raw = tasks.embedded("breast_cancer", scale=False)
    return recipe.replace(data=changed(raw, targets=tasks.column))


@faulty("DAT101", base=tables.wine_small_batch)
def wine_raw(recipe):
    return recipe.replace(data=tasks.embedded("wine", scale=False))


@faulty("DAT101", base=tables.friedman_relu)
def friedman_one_giant_feature(recipe):
    scale = torch.ones(10)
    scale[3] = 5000.0
    return with_data(recipe, lambda x: x * scale)


@faulty("DAT101", base=plane.circles_tanh)
def circles_far_from_origin(recipe):
    return with_data(recipe, lambda x: x + 300)


@faulty("DAT101", base=tables.sine_tanh, why="inputs around 0.0003")
def sine_tiny_inputs(recipe):
    return with_data(recipe, lambda x: x * 1e-4)


@faulty("DAT101", "INI104", base=sequences.waves_lstm)
def waves_in_thousands(recipe):
    return with_data(recipe, lambda x: 2000 + 500 * x)


@faulty("DAT101", base=plane.moons_bce)
def moons_in_metres_and_millimetres(recipe):
    return with_data(recipe, lambda x: x * torch.tensor([1.0, 3000.0]))


def spoiled(value, every=37):
    """Put a value into some rows."""

    def change(x):
        x = x.clone()
        x[::every, 0] = value
        return x

    return change


@faulty("DAT102", "NUM101", base=tables.breast_cancer_dropout_sgd)
def nan_in_some_rows(recipe):
    return with_data(recipe, spoiled(float("nan")), parts=("train",))


@faulty("DAT102", "NUM101", base=tables.friedman_relu)
def infinity_in_one_row(recipe):
    return with_data(recipe, spoiled(float("inf"), 500), parts=("train",))


@faulty("DAT102", "NUM101", base=images.digits_cnn_adam)
def nan_in_pictures(recipe):
    return with_data(recipe, spoiled(float("nan"), 90), parts=("train",))


@faulty("DAT102", "DAT104", "NUM101", base=tables.sine_huber_gelu)
def nan_in_targets(recipe):
    return with_data(recipe, targets=spoiled(float("nan"), 50), parts=("train",))


@faulty("DAT102", base=images.digits_relu_adam, why="a loader that returns black pictures")
def all_inputs_zero(recipe):
    return with_data(recipe, torch.zeros_like)


@faulty("DAT102", base=tables.friedman_batchnorm_cosine)
def all_rows_equal(recipe):
    return with_data(recipe, lambda x: x[:1].expand_as(x).clone())


@faulty("DAT105", base=images.digits_residual_cnn, why="validation and test in bytes")
def validation_not_scaled(recipe):
    return with_data(recipe, lambda x: 80 + 100 * x, parts=("validation", "test"))


@faulty("DAT105", base=partial(tables.diabetes_small_net))
def validation_scaled_by_another_mean(recipe):
    return with_data(recipe, lambda x: (x + 3) * 4, parts=("validation", "test"))


@faulty("DAT105", base=sequences.forecast_gru_two_layers)
def validation_sign_and_scale(recipe):
    return with_data(recipe, lambda x: 5 * x + 2, parts=("validation", "test"))


def shuffled(y):
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(7))
    return y[order]


@faulty("DAT106", base=images.digits_relu_adam)
def labels_shuffled(recipe):
    return with_data(recipe, targets=shuffled, parts=("train",)).replace(epochs=40)


@faulty("DAT106", base=plane.moons_overlapping)
def labels_shuffled_moons(recipe):
    return with_data(recipe, targets=shuffled, parts=("train",))


@faulty("DAT106", base=tables.friedman_raw_scale)
def targets_of_other_rows(recipe):
    return with_data(recipe, targets=shuffled, parts=("train",))


@faulty("DAT106", base=sequences.waves_convolution, why="the inputs were sorted, not the labels")
def inputs_sorted_alone(recipe):
    return with_data(recipe, lambda x: x[x.reshape(len(x), -1).norm(dim=1).argsort()])


@faulty("DAT106", base=tables.wine_small_batch, why="an index that is off by one")
def labels_off_by_one(recipe):
    return with_data(mixed(recipe), targets=lambda y: y.roll(1))


def mixed(recipe):
    """The same rows in a random order, so that neighbours in the file are strangers."""

    def reorder(values):
        order = torch.randperm(len(values), generator=torch.Generator().manual_seed(3))
        return values[order]

    return with_data(recipe, reorder, reorder)


def by_class(recipe):
    """The training rows sorted by class."""
    x, y = recipe.splits.train
    order = y.reshape(len(y), -1)[:, 0].argsort(stable=True)
    return replace(recipe.splits, train=(x[order], y[order]))


@faulty("DAT107", base=images.digits_unit_range_sgd, why="sorted by class and not shuffled")
def digits_sorted(recipe):
    return recipe.replace(data=by_class(recipe), shuffle=False)


@faulty("DAT107", base=sequences.waves_convolution)
def waves_sorted(recipe):
    return recipe.replace(data=by_class(recipe), shuffle=False)


@faulty("DAT107", base=images.digits_cnn_batchnorm_cosine, why="BatchNorm sees one class at a time")
def pictures_sorted_in_a_loader(recipe):
    data = by_class(recipe)
    loader = DataLoader(TensorDataset(*data.train), batch_size=recipe.batch_size)
    return recipe.replace(data=replace(data, train=loader))


@faulty("DAT108", base=plane.moons_overlapping, why="one row in thirty is of class 1")
def rare_moon(recipe):
    x, y = tasks.moons(3000, noise=0.4).train
    rare = (y == 1).nonzero().flatten()
    kept = torch.cat([(y == 0).nonzero().flatten(), rare[::30]])
    data = replace(recipe.splits, train=(x[kept], y[kept]), validation=None)
    return recipe.replace(data=data)


@faulty("DAT103", base=images.digits_layernorm_gelu_adamw, harm=0.5)
def labels_from_one(recipe):
    return with_data(recipe, targets=lambda y: y + 1)


@faulty("DAT103", base=sequences.texts_bag, harm=0.5, why="a model with one class too few")
def class_missing_in_model(recipe):
    from corpus.nets import TextBag

    return recipe.replace(model=partial(TextBag, 120, 16, 2))


def overlapping():
    return plane.moons_bce().replace(data=changed(tasks.moons(noise=0.3), targets=tasks.column))


@faulty("DAT103", "LOS103", base=overlapping, why="labels -1 and 1 in a loss for 0 and 1")
def labels_minus_one(recipe):
    return with_data(recipe, targets=lambda y: 2 * y - 1, parts=("train",))


@faulty("DAT103", base=tables.breast_cancer_bce, why="labels 1 and 2 in a loss for 0 and 1")
def labels_one_and_two(recipe):
    return with_data(recipe, targets=lambda y: y + 1, parts=("train",))


@faulty("DAT104", "LRN101", "CRV102", base=tables.sine_relu_momentum)
def targets_in_thousands_sgd(recipe):
    return with_data(recipe, targets=lambda y: 3000 * y + 500)


@faulty("DAT104", base=tables.friedman_relu, why="the net has to grow to 10^5 first")
def targets_in_hundred_thousands_adam(recipe):
    return with_data(recipe, targets=lambda y: 1e5 * (y + 4))


@faulty("DAT104", "LRN102", "LRN101", base=sequences.forecast_lstm)
def targets_far_from_zero(recipe):
    return with_data(recipe, targets=lambda y: 200 * y + 5000)


@faulty("DAT104", "LOS105", base=tables.diabetes_small_net)
def diabetes_raw_targets(recipe):
    return with_data(recipe, targets=lambda y: 77 * y + 152)


@faulty("DAT101", base=tables.iris_in_centimetres, why="micrometres")
def iris_in_micrometres(recipe):
    return with_data(recipe, lambda x: x * 1e4)


def separable():
    from corpus.recipes import classify

    model = partial(mlp, [6, 24, 1], nn_tanh())
    data = changed(tasks.blobs(600, classes=2, features=6, spread=1.5), targets=tasks.column)
    return classify(model, data, partial(SGD, lr=0.1, momentum=0.9), loss=BCE(), epochs=10)


def nn_tanh():
    return torch.nn.Tanh


@faulty("DAT101", "INI104", base=separable)
def blobs_with_a_year_column(recipe):
    def with_year(x):
        generator = torch.Generator().manual_seed(3)
        years = torch.randint(1950, 2020, (len(x), 1), generator=generator)
        return torch.cat([x[:, :5], years.float()], 1)

    return with_data(recipe, with_year)


@faulty("DAT102", "DAT101", base=separable, why="a missing value was written as -999999")
def missing_values_as_numbers(recipe):
    changed_rows = with_data(recipe, spoiled(-999999.0, 20))
    return changed_rows.replace(optimizer=partial(Adam, lr=1e-2))
