"""Too much of what holds a net back, and too little of it."""

from functools import partial

from torch import nn
from torch.nn import functional

from corpus import tasks
from corpus.healthy import images, plane, sequences, tables
from corpus.nets import Recurrent, TextBag, mlp
from corpus.recipes import SGD, Adam, AdamW, classify, regress, with_optimizer
from corpus.register import faulty
from torchclinic.core import Penalty


@faulty("REG101", base=images.digits_unit_range_sgd)
def weight_decay_one(recipe):
    return with_optimizer(recipe, weight_decay=0.5)


@faulty("REG101", base=tables.friedman_relu)
def adam_weight_decay_one(recipe):
    return with_optimizer(recipe, weight_decay=1.0)


@faulty("REG101", base=sequences.texts_attention_pool)
def adamw_weight_decay_hundred(recipe):
    return with_optimizer(recipe, weight_decay=100.0)


@faulty("REG101", base=images.digits_cnn_batchnorm_cosine)
def cnn_weight_decay(recipe):
    from corpus.nets import cnn

    return with_optimizer(recipe.replace(model=cnn), weight_decay=0.3)


@faulty("REG101", base=plane.blobs_l2_penalty)
def l2_penalty_ten(recipe):
    return recipe.replace(penalties=(Penalty("l2", 1.0),))


@faulty("REG101", base=tables.friedman_rmsprop_l2)
def l1_penalty(recipe):
    return recipe.replace(penalties=(Penalty("l1", 0.3),))


@faulty("REG101", base=images.digits_relu_adam)
def l1_penalty_digits(recipe):
    return recipe.replace(penalties=(Penalty("l1", 0.05),))


@faulty("REG101", base=images.digits_dropout_half)
def dropout_95(recipe):
    return recipe.replace(model=partial(mlp, [64, 128, 128, 10], dropout=0.95))


@faulty("REG101", base=plane.circles_batchnorm_dropout)
def dropout_90_small_net(recipe):
    return recipe.replace(model=partial(mlp, [2, 48, 48, 2], dropout=0.9))


@faulty("REG101", base=tables.breast_cancer_dropout_sgd)
def dropout_97_table(recipe):
    return recipe.replace(model=partial(mlp, [30, 32, 32, 2], nn.ELU, dropout=0.97))


@faulty("REG101", base=sequences.forecast_gru_two_layers)
def gru_weight_decay(recipe):
    return with_optimizer(recipe, weight_decay=0.5)


def noisy(splits, share=0.35):
    """A share of the training labels replaced by the next class."""

    def spoil(y):
        rows = range(0, len(y), round(1 / share))
        y = y.clone()
        y[list(rows)] = (y[list(rows)] + 1) % (int(y.max()) + 1)
        return y

    return tasks.changed(splits, targets=spoil, parts=("train", "validation"))


def few_digits(epochs=25):
    """120 rows with wrong labels, and what keeps a small net from learning them by heart."""
    data = noisy(tasks.with_validation(tasks.rows(tasks.digits(), 150)), 0.25)
    model = partial(mlp, [64, 32, 10], dropout=0.3)
    return classify(model, data, partial(AdamW, lr=3e-3, weight_decay=0.1), epochs=epochs)


def noisy_moons():
    data = noisy(tasks.with_validation(tasks.moons(300, noise=0.3)))
    return classify(partial(mlp, [2, 16, 2], nn.Tanh), data, partial(Adam, lr=5e-3), epochs=12)


@faulty("CRV103", base=noisy_moons, why="a large net learns the wrong labels by heart")
def moons_learnt_by_heart(recipe):
    return recipe.replace(model=partial(mlp, [2, 256, 256, 256, 2]), epochs=150)


def noisy_friedman():
    data = tasks.with_validation(tasks.friedman(90, noise=4.0), 0.3)
    optimizer = partial(AdamW, lr=3e-3, weight_decay=0.5)
    return regress(partial(mlp, [10, 16, 1], nn.Tanh), data, optimizer, epochs=25, batch_size=16)


@faulty("CRV103", base=noisy_friedman)
def friedman_few_rows_large_net(recipe):
    model = partial(mlp, [10, 256, 256, 1])
    return recipe.replace(model=model, optimizer=partial(Adam, lr=2e-3), epochs=200)


def noisy_diabetes():
    return tables.diabetes_small_net().replace(data=tasks.with_validation(
        tasks.rows(tasks.embedded("diabetes"), 120), 0.3
    ))  # fmt: skip


@faulty("CRV103", base=noisy_diabetes)
def diabetes_large_net(recipe):
    model = partial(mlp, [10, 200, 200, 1])
    return recipe.replace(model=model, optimizer=partial(Adam, lr=2e-3), epochs=150)


def noisy_sine():
    data = tasks.with_validation(tasks.sine(40, noise=0.5, frequency=1.0), 0.3)
    return regress(
        partial(mlp, [1, 24, 1], nn.Tanh), data, partial(Adam, lr=1e-2), epochs=150, batch_size=None
    )


@faulty("CRV103", base=noisy_sine)
def sine_few_points_large_net(recipe):
    return recipe.replace(model=partial(mlp, [1, 128, 128, 128, 1]), epochs=1500)


def few_texts():
    data = noisy(tasks.with_validation(tasks.texts(800)), 0.3)
    optimizer = partial(AdamW, lr=1e-2, weight_decay=0.3)
    return classify(partial(TextBag, 120, 8, 3), data, optimizer, epochs=5)


@faulty("CRV103", base=few_texts)
def texts_learnt_by_heart(recipe):
    model = partial(TextBag, 120, 128, 3, 256)
    return recipe.replace(model=model, optimizer=partial(Adam, lr=5e-3), epochs=60)


def few_waves():
    data = noisy(tasks.with_validation(tasks.waves(250), 0.25), 0.25)
    return classify(partial(Recurrent, nn.GRU, 1, 12, 3), data, partial(Adam, lr=1e-2), epochs=15)


@faulty("CRV103", base=few_waves)
def waves_learnt_by_heart(recipe):
    return recipe.replace(model=partial(Recurrent, nn.GRU, 1, 64, 3), epochs=80)


@faulty("CRV103", base=few_digits)
def few_digits_wrong_labels(recipe):
    model = partial(mlp, [64, 256, 256, 10])
    return recipe.replace(model=model, optimizer=partial(Adam, lr=2e-3), epochs=80)


@faulty("CRV103", base=plane.moons_overlapping, harm=0.03)
def overlapping_learnt_by_heart(recipe):
    data = tasks.rows(recipe.splits, 150)
    model = partial(mlp, [2, 200, 200, 200, 2])
    return recipe.replace(model=model, data=data, optimizer=partial(Adam, lr=3e-3), epochs=150)


@faulty("REG101", base=images.digits_deep_selu_lecun, why="decay of 5 % a step by hand")
def deep_net_decayed(recipe):
    return recipe.replace(optimizer=partial(SGD, lr=0.05, weight_decay=0.3))


def pulled_to_zero(model, batch):
    """A step with a penalty that nobody declares."""
    x, y = batch
    squares = sum(weight.square().sum() for weight in model.parameters())
    return functional.cross_entropy(model(x), y) + 0.5 * squares


@faulty("REG101", base=images.digits_relu_adam, why="the penalty is written into the step")
def penalty_by_hand(recipe):
    return recipe.replace(loss=None, step=pulled_to_zero)


@faulty("WIR113", "CRV105", "WIR104", base=plane.spirals_elu, why="two units cannot wind around")
def spirals_two_units(recipe):
    return recipe.replace(model=partial(mlp, [2, 2, 2], nn.ELU))


@faulty(
    "CRV103", base=sequences.texts_attention_pool, harm=0.03, why="a slice, left from debugging"
)
def first_two_hundred_texts(recipe):
    data = tasks.rows(tasks.with_validation(recipe.splits), 200)
    return recipe.replace(data=data, epochs=30)
