"""Hand-built Cases, one for each rule, in which that rule must speak."""

import math
from dataclasses import replace

from rules.healthy_cases import (
    STEPS,
    constant,
    digits_mlp,
    evaluations,
    falling,
    flat,
    linear,
    lr_range,
    reading,
    series,
    table_regression,
    text_lstm,
    traced,
)
from rules.sick_data import SICK_DATA
from rules.sick_start import SICK_START
from torchclinic.core import (
    AgreementFacts,
    CommonestFacts,
    CutFacts,
    Evaluation,
    LabelFacts,
    LossFacts,
    NormFacts,
    OneBatchFacts,
    Penalty,
    PredictionFacts,
    ReachFacts,
    RegroupFacts,
    Series,
)

NAN = float("nan")


def with_losses(case, losses, **history):
    """The Case with another loss curve, in history and trace alike; evaluations follow suit."""
    end = losses[-1]
    seen = (Evaluation(len(losses), "train", end), Evaluation(len(losses), "validation", end))
    return replace(
        case,
        history=replace(case.history, losses=losses, **{"evaluations": seen, **history}),
        trace=replace(
            case.trace,
            steps={**case.trace.steps, "loss": Series(tuple(range(1, len(losses) + 1)), losses)},
        ),
    )


def stuck(case=None):
    case = case or digits_mlp()
    return with_losses(case, flat(case.batch.expected_loss))


def with_batch(case, **fields):
    return replace(case, batch=replace(case.batch, **fields))


def with_inputs(case, **fields):
    return with_batch(case, inputs=replace(case.batch.inputs, **fields))


def with_targets(case, **fields):
    return with_batch(case, targets=replace(case.batch.targets, **fields))


def with_outputs(case, **fields):
    return with_batch(case, outputs=replace(case.batch.outputs, **fields))


def with_recipe(case, **fields):
    return replace(case, recipe=replace(case.recipe, **fields))


def with_model(case, **fields):
    return with_recipe(case, model=replace(case.recipe.model, **fields))


def with_layers(case, change):
    return with_model(case, layers=tuple(change(layer) for layer in case.recipe.model.layers))


def with_readings(case, change):
    return with_batch(case, layers=tuple(change(reading) for reading in case.batch.layers))


def with_trace(case, change):
    return replace(
        case, trace=replace(case.trace, layers=tuple(change(x) for x in case.trace.layers))
    )


def with_series(layer, **found):
    return replace(layer, series={**layer.series, **found})


def unscaled_inputs():
    case = stuck()
    case = with_inputs(
        case,
        mean=120.0,
        std=80.0,
        minimum=0.0,
        maximum=255.0,
        channel_means=(120.0,) * 64,
        channel_stds=(80.0,) * 64,
    )
    case = with_batch(case, initial_loss=22.0)
    return with_readings(case, lambda r: replace(r, activation_std=60.0))


def nonfinite_inputs():
    return with_inputs(with_losses(digits_mlp(), (NAN,) * STEPS), nonfinite=7)


def label_out_of_range():
    case = with_targets(digits_mlp(), minimum=1, maximum=10)
    return replace(case, history=None, trace=None, lr_range=None)


def unscaled_targets():
    case = with_targets(table_regression(), mean=2.0e5, std=8.0e4, minimum=1e4, maximum=5e5)
    case = with_batch(case, expected_loss=6.4e9, initial_loss=4.6e10)
    return with_losses(case, flat(4.6e10))


def split_shift():
    case = with_inputs(digits_mlp(), shift=4.0, scale_ratio=60.0)
    return replace(
        case,
        history=replace(
            case.history,
            evaluations=evaluations(
                [0.9, 0.4, 0.2, 0.1], [40.0, 60.0, 70.0, 80.0], [0.1, 0.1, 0.1, 0.1]
            ),
        ),
    )


def softmax_scores():
    case = with_model(stuck(), output_activation="softmax")
    return with_outputs(
        case, minimum=0.08, maximum=0.12, rows_sum_to_one=True, in_unit_interval=True
    )


def sigmoid_scores():
    case = with_model(stuck(text_lstm()), output_activation="sigmoid")
    return with_outputs(case, minimum=0.4, maximum=0.6, in_unit_interval=True)


def scores_into_nll():
    case = with_recipe(digits_mlp(), loss="NLLLoss", loss_kind="nll")
    return with_losses(with_batch(case, initial_loss=0.02), tuple(-0.5 * k for k in range(STEPS)))


def relu_output():
    return with_model(stuck(table_regression()), output_activation="relu")


def high_initial_loss():
    case = with_batch(stuck(), initial_loss=17.0)
    return with_outputs(case, std=11.0, minimum=-40.0, maximum=40.0)


def broadcasting():
    case = stuck(table_regression())
    case = with_targets(case, shape=(512,))
    return with_outputs(case, broadcasts=True)


def flipped():
    case = with_recipe(digits_mlp(), loss="negated", loss_kind="custom")
    case = with_batch(case, initial_loss=-2.31, expected_loss=None)
    return with_losses(case, tuple(-2.31 * 1.02**k for k in range(STEPS)))


def all_linear():
    case = with_layers(stuck(), lambda layer: replace(layer, activation=None))
    pairs = (("layers.0", "layers.2"), ("layers.2", "layers.4"))
    return with_model(case, linear_pairs=pairs, linearity_residual=1e-8)


def detached():
    case = with_batch(stuck(), without_gradient=("layers.0.weight", "layers.0.bias"))
    case = with_readings(
        case,
        lambda r: replace(r, gradient_norm=None, gradient_rms=None) if r.name == "layers.0" else r,
    )
    return with_trace(
        case,
        lambda x: (
            with_series(x, gradient_norm=Series(), gradient_rms=Series())
            if x.name == "layers.0"
            else x
        ),
    )


def left_out():
    optimizer = replace(digits_mlp().recipe.optimizer, missing=("layers.4.weight", "layers.4.bias"))
    return with_recipe(stuck(), optimizer=optimizer)


def no_memory():
    failed = OneBatchFacts(16, 200, 2.3, (("Adam 0.001", 2.2), ("SGD 0.1", 2.3)), 0.8, passed=False)
    return replace(stuck(), one_batch=failed)


def softmax_inside():
    return with_model(stuck(), inner_softmax=("layers.0",))


def crosstalk():
    return with_batch(stuck(), batch_crosstalk=True)


def hidden_layers():
    return with_batch(stuck(), unregistered=((32, 2), (32,), (32, 32), (32,)))


def zero_weights():
    case = with_layers(stuck(), lambda layer: replace(layer, weight_std=0.0, duplicated_rows=1.0))
    return with_readings(
        case, lambda r: replace(r, activation_std=0.0, gradient_norm=0.0, gradient_rms=0.0)
    )


def wide_weights():
    stds = {"layers.0": 8.0, "layers.2": 55.0, "layers.4": 400.0}
    case = with_layers(stuck(), lambda layer: replace(layer, weight_std=1.0))
    return with_readings(case, lambda r: replace(r, activation_std=stds[r.name]))


def deep_sigmoid(fade=0.14, learns=False):
    """The specification's net: each sigmoid layer multiplies the gradient by 0.14."""
    names = [f"layers.{2 * k}" for k in range(4)]
    gradients = [0.01 * fade ** (3 - k) for k in range(4)]
    case = digits_mlp() if learns else stuck()
    case = with_model(
        case,
        layers=tuple(
            linear(
                name,
                k,
                64 if k == 0 else 100,
                10 if k == 3 else 100,
                activation=None if k == 3 else "sigmoid",
            )
            for k, name in enumerate(names)
        ),
    )
    case = with_batch(
        case,
        layers=tuple(
            reading(name, g, std=0.3, saturated=0.0)
            for name, g in zip(names, gradients, strict=True)
        ),
    )
    layers = tuple(
        traced(name, k, g, ratio=g * 1e-3, activation="sigmoid")
        for k, (name, g) in enumerate(zip(names, gradients, strict=True))
    )
    return replace(
        case,
        trace=replace(case.trace, layers=layers),
        lr_range=lr_range(1e-3, 0.5, 30.0),
        history=replace(case.history, learning_rates=(1e-3,) * STEPS),
    )


def gradient_fades_untrained():
    return replace(deep_sigmoid(), trace=None)


def saturated():
    case = with_readings(
        stuck(table_regression()),
        lambda r: (
            replace(r, saturated_units=0.9, saturated_share=0.8, activation_std=9.0)
            if r.name == "0"
            else r
        ),
    )
    return with_layers(
        case, lambda layer: replace(layer, weight_std=1.0) if layer.name == "0" else layer
    )


def dead_at_start():
    return with_readings(
        stuck(), lambda r: replace(r, silent_share=0.95) if r.name == "layers.2" else r
    )


def exploding():
    growth = tuple(0.5 * 1.02**k for k in range(STEPS))
    return with_losses(
        digits_mlp(), tuple(2.3 + 0.001 * 1.02**k for k in range(STEPS)), gradient_norms=growth
    )


def nonfinite_loss():
    losses = (*falling(2.3, 1.0, steps=100), *(NAN for _ in range(50)))
    return with_losses(digits_mlp(), losses)


def dying():
    return with_trace(
        stuck(),
        lambda x: (
            with_series(x, silent_share=series(0.0, 0.5, 0.9, 1.0)) if x.name != "layers.4" else x
        ),
    )


def rate_too_low():
    case = with_trace(stuck(), lambda x: with_series(x, update_ratio=constant(1e-7)))
    return replace(
        case,
        lr_range=lr_range(1e-6, 0.2, 3.0),
        history=replace(case.history, learning_rates=(1e-6,) * STEPS),
    )


def rate_too_high():
    losses = tuple(2.3 + 0.05 * k for k in range(STEPS))
    case = with_losses(digits_mlp(), losses, learning_rates=(10.0,) * STEPS)
    return replace(case, lr_range=lr_range(10.0, 0.2, 3.0))


def tiny_updates():
    return with_trace(stuck(), lambda x: with_series(x, update_ratio=constant(1e-7)))


def strong_penalty():
    case = with_trace(stuck(), lambda x: with_series(x, weight_norm=series(5.0, 1.0, 0.1)))
    return with_recipe(case, penalties=(str(Penalty("l2", 1.0)),))


def overfits():
    case = digits_mlp()
    train, validation = [0.9, 0.3, 0.1, 0.03, 0.01, 0.004], [1.2, 1.0, 1.4, 2.0, 2.8, 3.6]
    seen = tuple(
        e
        for k, (a, b) in enumerate(zip(train, validation, strict=True))
        for e in (
            Evaluation(60 * (k + 1), "train", a, 0.99),
            Evaluation(60 * (k + 1), "validation", b, 0.55),
        )
    )
    return replace(
        case, history=replace(case.history, losses=falling(2.3, 0.005), evaluations=seen)
    )


def cut_short():
    return with_losses(digits_mlp(), tuple(2.3 * (1 - 0.2 * k / STEPS) for k in range(STEPS)))


def unrelated_labels():
    """Learnt by heart, and nothing of it holds on other rows."""
    case = with_batch(digits_mlp(), labels=LabelFacts(1200, 0.101, 0.1, 0.4, 1.0))
    counts = dict.fromkeys(range(10), 30)
    return replace(
        case,
        predictions=PredictionFacts(300, counts, counts, dict.fromkeys(range(10), 0.1)),
        history=replace(
            case.history,
            evaluations=evaluations(
                [2.2, 1.5, 0.6, 0.2], [2.4, 2.9, 3.6, 4.4], [0.1, 0.11, 0.1, 0.1]
            ),
        ),
    )


def sorted_classes():
    case = with_batch(digits_mlp(), labels=LabelFacts(1200, 0.95, 0.1, 90.0, 0.04))
    return replace(
        case,
        history=replace(
            case.history,
            evaluations=evaluations(
                [2.2, 1.5, 0.6, 0.2], [2.4, 2.9, 3.6, 4.4], [0.1, 0.11, 0.1, 0.1]
            ),
        ),
    )


def ignored_minority():
    case = with_targets(digits_mlp(), class_counts={0: 480, 1: 30})
    found = PredictionFacts(300, {0: 280, 1: 20}, {0: 300}, {0: 1.0, 1: 0.0})
    return replace(case, predictions=found)


def underfitted():
    """The loss falls, the answers stay bad, and a row's neighbours know them."""
    case = digits_mlp()
    counts = dict.fromkeys(range(10), 30)
    found = PredictionFacts(300, counts, counts, dict.fromkeys(range(10), 0.4))
    scores = [0.2, 0.3, 0.35, 0.4, 0.4]
    return replace(
        case,
        predictions=found,
        history=replace(
            case.history,
            evaluations=evaluations(
                [0.9, 0.4, 0.2, 0.1, 0.08], [0.95, 0.5, 0.3, 0.22, 0.2], scores
            ),
        ),
    )


def random_evaluation():
    return with_batch(digits_mlp(), random_in_eval=True, noise_in_eval=0.9)


def norm_over_one_number():
    norm = NormFacts("layers.1", "LayerNorm", values=1)
    return with_model(stuck(), norm_layers=(norm,))


def hinge_with_labels_0_and_1():
    given = LossFacts(rows={0: 250, 1: 262}, silent={0: 250})
    return with_recipe(with_batch(digits_mlp(), loss=given), loss_kind="custom")


def metric_of_one_column():
    case = digits_mlp()
    return replace(
        case,
        history=replace(
            case.history,
            evaluations=tuple(replace(e, metric=0.1) for e in case.history.evaluations),
        ),
    )


def reach(**fields):
    """Eight positions, of which the first alone tells of the targets."""
    plain = {
        "axis": "positions",
        "size": 8,
        "starts": tuple(range(8)),
        "effects": (0.3,) * 7 + (0.8,),
        "tells": (200.0,) + (0.5,) * 7,
        "spread": 0.5,
        "order_blind": False,
    }
    return ReachFacts(**{**plain, **fields})


def first_step_unread():
    found = reach(effects=(0.0,) * 7 + (0.8,))
    return replace(with_batch(stuck(), reach=found), reach=found)


def first_step_forgotten():
    found = reach(effects=tuple(0.8 * 0.2**k for k in range(7, -1, -1)))
    case = with_model(with_batch(stuck(), reach=found), recurrent=True)
    return replace(case, reach=found)


def inputs_erased():
    found = ReachFacts(spread=0.0, faded="layers.0", fed=True)
    return replace(with_batch(stuck(), reach=found), reach=found)


def no_positions():
    case = with_model(with_batch(stuck(), reach=reach(order_blind=True)), attention=True)
    return replace(case, reach=reach(order_blind=True))


def one_unit():
    narrow = {"layers.2": (1, 48), "layers.4": (10, 1)}
    case = with_layers(
        stuck(), lambda x: replace(x, weight_shape=narrow.get(x.name, x.weight_shape))
    )
    case = with_batch(case, reach=ReachFacts(spread=0.5, narrow=("layers.2",)))
    return replace(case, one_batch=no_memory().one_batch)


def similarity_minimised(**fields):
    """Outputs of ten numbers in [0, 1] a row, trained to run against their targets."""
    plain = {
        "rows": 128,
        "wanted": "shares",
        "elements": 10,
        "before": -0.06,
        "after": -0.95,
        "own": (0.5, 0.55, 0.6),
        "others": (0.03, 0.03, 0.04),
        "against": (-0.5, -0.55, -0.6),
    }
    case = with_recipe(digits_mlp(), loss="own", loss_kind="custom")
    case = replace(case, history=replace(case.history, evaluations=(), metric=None))
    return replace(case, agreement=AgreementFacts(**{**plain, **fields}))


def mostly_zero(share=0.66, missed=0.06, kind="l1"):
    """An absolute error on targets of which most are 0."""
    case = with_recipe(stuck(table_regression()), loss="L1Loss", loss_kind=kind)
    return replace(case, commonest=CommonestFacts(0.0, share, missed))


def axes_mixed():
    view = RegroupFacts("net.py:7: x = x.view(len(x), 6, 10)", (10, 6), (6, 10))
    return with_batch(stuck(), regrouped=(view,))


def state_detached():
    line = "net.py:9: state = self.cell(x[:, t], state.detach())"
    return with_batch(stuck(), cut=CutFacts(12, 1, tuple((t, t + 1) for t in range(11)), line))


SICK = {
    "DAT101": unscaled_inputs,
    "DAT102": nonfinite_inputs,
    "DAT103": label_out_of_range,
    "DAT104": unscaled_targets,
    "DAT105": split_shift,
    "DAT106": unrelated_labels,
    "DAT107": sorted_classes,
    "DAT108": ignored_minority,
    **SICK_DATA,
    "LOS101": softmax_scores,
    "LOS102": sigmoid_scores,
    "LOS103": scores_into_nll,
    "LOS104": relu_output,
    "LOS105": high_initial_loss,
    "LOS106": broadcasting,
    "LOS107": flipped,
    "LOS108": hinge_with_labels_0_and_1,
    "LOS109": similarity_minimised,
    "LOS110": mostly_zero,
    "WIR101": all_linear,
    "WIR102": detached,
    "WIR103": left_out,
    "WIR104": no_memory,
    "WIR105": softmax_inside,
    "WIR106": crosstalk,
    "WIR107": hidden_layers,
    "WIR108": random_evaluation,
    "WIR109": norm_over_one_number,
    "WIR110": first_step_unread,
    "WIR111": inputs_erased,
    "WIR112": no_positions,
    "WIR113": one_unit,
    "WIR114": axes_mixed,
    "WIR115": state_detached,
    "INI101": zero_weights,
    "INI102": wide_weights,
    "INI103": gradient_fades_untrained,
    "INI104": saturated,
    "INI105": dead_at_start,
    **SICK_START,
    "GRD101": deep_sigmoid,
    "GRD102": exploding,
    "GRD103": first_step_forgotten,
    "NUM101": nonfinite_loss,
    "ACT101": dying,
    "LRN101": rate_too_low,
    "LRN102": tiny_updates,
    "REG101": strong_penalty,
    "CRV101": stuck,
    "CRV102": rate_too_high,
    "CRV103": overfits,
    "CRV104": cut_short,
    "CRV105": underfitted,
    "CRV106": metric_of_one_column,
}

assert math.isnan(NAN)
