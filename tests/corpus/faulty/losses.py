"""Losses that do not fit the output, the targets or the aim."""

from functools import partial

from torch import nn
from torch.nn import functional as F

from corpus import nets, tasks
from corpus.healthy import images, plane, sequences, tables, usages
from corpus.nets import mlp
from corpus.recipes import BCE, MSE, SGD, Adam, varied, with_model
from corpus.register import faulty


def followed_by(head):
    """A change that puts a module behind the model."""
    return lambda model: nn.Sequential(model, head)


@faulty("LOS101", base=varied(images.digits_tanh_xavier_sgd, epochs=4))
def softmax_before_cross_entropy(recipe):
    return with_model(recipe, followed_by(nn.Softmax(1)))


@faulty(
    "LOS101",
    base=varied(
        images.digits_lenet_large_batch, optimizer=partial(SGD, lr=0.1), batch_size=32, epochs=8
    ),
)
def cnn_softmax_in_forward(recipe):
    class Net(nets.LeNet):
        def forward(self, x):
            return F.softmax(super().forward(x), dim=1)

    return recipe.replace(model=Net)


@faulty("LOS101", base=sequences.waves_gru_momentum)
def gru_softmax_output(recipe):
    return with_model(recipe, followed_by(nn.Softmax(-1)))


@faulty("LOS101", "LOS104", "LOS103", base=varied(images.digits_plain_sgd_slow, epochs=8))
def sigmoid_before_cross_entropy(recipe):
    return with_model(recipe, followed_by(nn.Sigmoid()))


@faulty("LOS102", base=varied(plane.moons_bce, optimizer=partial(SGD, lr=0.2), epochs=12))
def sigmoid_before_bce_with_logits(recipe):
    return with_model(recipe, followed_by(nn.Sigmoid()))


@faulty("LOS102", base=varied(tables.breast_cancer_bce, optimizer=partial(SGD, lr=0.1), epochs=4))
def table_sigmoid_twice(recipe):
    return with_model(recipe, followed_by(nn.Sigmoid()))


@faulty("LOS102", base=varied(usages.multi_label_tables, epochs=3))
def multi_label_sigmoid_twice(recipe):
    return with_model(recipe, followed_by(nn.Sigmoid()))


@faulty("LOS103", base=images.digits_log_softmax_nll, why="scores in a loss for log-probabilities")
def nll_on_scores(recipe):
    return recipe.replace(model=partial(mlp, [64, 64, 10], nn.SiLU), epochs=20)


@faulty("LOS103", base=sequences.texts_transformer)
def nll_on_transformer_scores(recipe):
    return recipe.replace(loss=nn.NLLLoss())


@faulty(
    "LOS103",
    base=varied(images.digits_log_softmax_nll, optimizer=partial(SGD, lr=0.05)),
    why="probabilities where logs are wanted",
)
def nll_on_probabilities(recipe):
    model = partial(mlp, [64, 64, 10], nn.SiLU, head=partial(nn.Softmax, 1))
    return recipe.replace(model=model)


@faulty(
    "LOS103", "LOS104", base=plane.moons_probabilities_bce, harm=0.5, why="torch refuses scores"
)
def bce_on_scores(recipe):
    return recipe.replace(model=partial(mlp, [2, 32, 32, 1], nn.SiLU))


@faulty("LOS103", base=images.digits_unit_range_sgd)
def squared_error_on_softmax(recipe):
    data = tasks.changed(tasks.unit_digits(), targets=tasks.one_hot)
    changed = recipe.replace(loss=MSE(), data=data)
    return with_model(changed, followed_by(nn.Softmax(1)))


@faulty(
    "LOS103",
    "LOS104",
    base=varied(plane.moons_bce_squeezed, optimizer=partial(SGD, lr=0.1), epochs=20),
    why="squared error on a sigmoid",
)
def squared_error_on_sigmoid(recipe):
    return with_model(recipe.replace(loss=MSE()), followed_by(nn.Sigmoid()))


@faulty("LOS103", "LOS106", base=images.digits_relu_adam, harm=0.5, why="class numbers as reals")
def squared_error_on_class_numbers(recipe):
    data = tasks.changed(tasks.digits(), targets=lambda y: y.float().unsqueeze(1))
    return recipe.replace(loss=MSE(), data=data)


@faulty("LOS107", base=images.digits_log_softmax_nll, why="the mean log-probability, to be smaller")
def sign_lost(recipe):
    def step(model, batch):
        x, y = batch
        return model(x).gather(1, y.unsqueeze(1)).mean()

    return recipe.replace(loss=None, step=step)


@faulty("LOS107", base=plane.blobs_leaky_rmsprop)
def negative_cross_entropy(recipe):
    def loss(output, target):
        return -F.cross_entropy(output, target)

    return recipe.replace(loss=loss)


@faulty("LOS107", base=tables.friedman_relu)
def negative_squared_error(recipe):
    return recipe.replace(loss=lambda output, target: -(output - target).square().mean())


@faulty("LOS107", base=sequences.forecast_lstm, why="errors cancel: mean(y - f), not its square")
def mean_error_without_square(recipe):
    return recipe.replace(loss=lambda output, target: (target - output).mean())


@faulty("LOS104", base=tables.friedman_relu, why="half of the targets are below 0")
def relu_head_on_standardised_targets(recipe):
    return with_model(recipe, followed_by(nn.ReLU()))


@faulty("LOS104", base=tables.sine_tanh)
def sigmoid_head_on_sine(recipe):
    return with_model(recipe, followed_by(nn.Sigmoid()))


@faulty("LOS104", base=tables.friedman_residual_l1_loss)
def tanh_head_on_wide_targets(recipe):
    return with_model(recipe, followed_by(nn.Tanh()))


@faulty("LOS104", base=sequences.forecast_tanh_rnn)
def relu_head_on_forecast(recipe):
    return with_model(recipe, followed_by(nn.ReLU()))


@faulty("LOS104", base=images.digits_logistic_regression, why="scores below 0 are lost")
def relu_head_on_scores(recipe):
    return with_model(recipe, followed_by(nn.ReLU()))


@faulty("LOS104", base=usages.two_targets)
def softplus_head_on_signed_targets(recipe):
    return with_model(recipe, followed_by(nn.Softplus()))


@faulty("LOS106", base=tables.sine_tanh, why="(N, 1) minus (N,) is (N, N)")
def targets_broadcast(recipe):
    return recipe.replace(data=tasks.changed(recipe.splits, targets=lambda y: y.squeeze(1)))


@faulty("LOS106", base=sequences.forecast_lstm)
def outputs_broadcast(recipe):
    return with_model(recipe, nets.Squeezed)


@faulty("LOS106", base=tables.friedman_raw_scale)
def targets_broadcast_l1(recipe):
    changed = tasks.changed(recipe.splits, targets=lambda y: y.squeeze(1))
    return recipe.replace(data=changed, loss=nn.L1Loss())


@faulty("LOS105", "LRN101", base=images.digits_unit_range_sgd, why="scores are multiplied by 100")
def scores_times_hundred(recipe):
    class Hot(nn.Module):
        def __init__(self, body):
            super().__init__()
            self.body = body

        def forward(self, x):
            return 100 * self.body(x)

    return with_model(recipe, Hot)


@faulty("LOS103", base=images.autoencoder_binary_cross_entropy, why="pixels without a sigmoid")
def autoencoder_hinge(recipe):
    model = partial(nets.autoencoder, act=nn.ELU, head=nn.Hardtanh)
    return recipe.replace(model=model)


def binary_good():
    return plane.moons_bce().replace(loss=BCE(), optimizer=partial(Adam, lr=5e-3))


@faulty("LOS104", "LOS101", "LOS103", base=binary_good, why="a softmax over one output is always 1")
def softmax_over_one_output(recipe):
    return with_model(recipe, followed_by(nn.Softmax(1)))


def spread_difference(model, batch):
    """A squared error by hand, over outputs (N, 1) and targets (N,)."""
    x, y = batch
    return (model(x) - y.flatten()).pow(2).mean()


@faulty("LOS106", base=tables.friedman_relu)
def step_that_broadcasts(recipe):
    return recipe.replace(loss=None, step=spread_difference)


@faulty(
    "LOS104", base=usages.multi_label_tables, why="labels that may come together share a softmax"
)
def softmax_over_labels_that_overlap(recipe):
    return with_model(recipe.replace(loss=nn.BCELoss()), followed_by(nn.Softmax(1)))
