"""The failing trainings that the specification tells of, on the embedded digits."""

from functools import partial

from torch import nn

from corpus import nets, tasks
from corpus.healthy.images import digits_functional_rmsprop, digits_relu_adam
from corpus.nets import lecture_net, mlp
from corpus.recipes import SGD, Adam, classify, factors, regress
from corpus.register import faulty


def lecture(depth=3, *, lr=0.5, activation=nn.ReLU, init=nets.he, data=None, epochs=5):
    """The lecture's net with a learning rate and an activation that fit."""
    model = partial(lecture_net, depth, activation, init=init)
    return classify(model, data or tasks.digits(), partial(SGD, lr=lr), epochs=epochs)


def lecture_good():
    return lecture(lr=0.05)


def sigmoid(depth):
    return lecture(depth, lr=1e-3, activation=nn.Sigmoid, init=nn.init.xavier_normal_)


@faulty("GRD101", "INI103", "LRN101", base=lecture_good, spec=True)
def spec_sigmoid_depth_3(_):
    return sigmoid(3)


@faulty("GRD101", "INI103", base=lecture_good, spec=True)
def spec_sigmoid_depth_10(_):
    return sigmoid(10)


@faulty("GRD101", "INI103", base=lecture_good, spec=True)
def spec_sigmoid_depth_30(_):
    return sigmoid(30)


@faulty("GRD101", "INI103", "LRN101", base=lecture_good, spec=True, why="torch's initialisation")
def spec_sigmoid_default_init(_):
    return lecture(3, lr=1e-3, activation=nn.Sigmoid, init=None)


def matrices(std):
    model = partial(nets.LectureMatrices, std=std)
    return classify(model, tasks.digits(), partial(SGD, lr=0.1), epochs=4)


@faulty(
    "LOS105", "INI104", "INI102", base=partial(matrices, 0.05), spec=True,
    why="weights from N(0, 1): the first loss is far above ln 10 and tanh saturates",
)  # fmt: skip
def spec_normal_1_matrices(_):
    return matrices(1.0)


def ten_tanh(init, loss=None):
    """The exercise's net, 10 layers of 500, on the digits."""
    model = partial(mlp, [64, *[500] * 10, 10], nn.Tanh, init=init)
    data = tasks.rows(tasks.digits(), 768)
    options = {"loss": loss} if loss else {}
    return classify(model, data, partial(Adam, lr=1e-3), epochs=3, batch_size=128, **options)


def ten_tanh_good():
    return ten_tanh(nn.init.xavier_normal_)


@faulty("INI104", "INI102", "INI103", base=ten_tanh_good, spec=True)
def spec_normal_1_ten_tanh(_):
    return ten_tanh(nn.init.normal_)


def with_plain_steps(recipe):
    return recipe.replace(optimizer=partial(SGD, lr=0.1), batch_size=32, epochs=4)


def ten_tanh_plain():
    return with_plain_steps(ten_tanh_good())


@faulty(
    "INI104", "INI102", "INI103", base=ten_tanh_plain, spec=True,
    why="0.1 is too much for 500 inputs: std 2.2 a layer before the tanh",
)  # fmt: skip
def spec_normal_tenth_ten_tanh(_):
    return with_plain_steps(ten_tanh(lambda weight: nn.init.normal_(weight, std=0.1)))


@faulty("LOS103", base=ten_tanh_good, spec=True, why="scores go into a loss for log-probabilities")
def spec_nll_on_scores(_):
    return ten_tanh(nn.init.xavier_normal_, nn.NLLLoss())


def line(epochs):
    model = partial(mlp, [1, 100, 100, 1])
    data = tasks.with_validation(tasks.noisy_line(), 0.3)
    return regress(model, data, partial(Adam, lr=0.01), epochs=epochs, batch_size=None)


@faulty("CRV103", base=partial(line, 25), spec=True, why="1,500 epochs of 50 noisy points")
def spec_noisy_line(_):
    return line(1500)


@faulty(
    "ACT101", "LRN101", "LRN102", base=digits_relu_adam, spec=True,
    why="one step at 10,000 times the learning rate silences the units for good",
)  # fmt: skip
def spec_killed_by_one_step(recipe):
    sgd = recipe.replace(optimizer=partial(SGD, lr=0.05))
    return sgd.replace(
        schedule=factors(lambda step: 10_000.0 if step == 10 else 1.0, "one large step")
    )


@faulty("LRN101", "LRN102", base=lecture_good, spec=True)
def spec_rate_far_too_small(_):
    return lecture(lr=1e-6)


@faulty("LRN101", "LRN102", "CRV102", base=lecture_good, spec=True)
def spec_rate_far_too_large(_):
    return lecture(lr=20.0)


@faulty("DAT101", base=digits_functional_rmsprop, spec=True, why="pixels from 0 to 255")
def spec_raw_pixels(_):
    return lecture(lr=0.05, data=tasks.raw_digits())
