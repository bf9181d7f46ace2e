"""Trainings that must be told apart: what is the root, and what is only its consequence."""

from dataclasses import replace

import pytest

from rules.healthy_cases import constant, deep_relu_that_learns, digits_mlp, lr_range
from rules.sick_cases import (
    deep_sigmoid,
    nonfinite_loss,
    rate_too_low,
    softmax_scores,
    stuck,
    unscaled_inputs,
    with_batch,
    with_inputs,
    with_layers,
    with_losses,
    with_model,
    with_outputs,
    with_readings,
    with_series,
    with_targets,
    with_trace,
    zero_weights,
)
from torchclinic.core import Level
from torchclinic.rules import judge


def root(case):
    findings = judge(case).findings
    return findings[0].code if findings else None


def codes(case):
    return {f.code for f in judge(case).flat()}


def loud(case):
    return {f.code for f in judge(case).flat() if f.level is not Level.INFO}


def test_paralysed_sigmoid_net_is_a_vanishing_gradient_with_everything_folded():
    findings = judge(deep_sigmoid()).findings
    assert [f.code for f in findings] == ["GRD101"]
    assert findings[0].level is Level.ERROR
    assert {f.code for f in findings[0].consequences} >= {"CRV101", "LRN101", "LRN102", "INI103"}
    assert findings[0].layers[0] == "layers.0"
    assert "layers.6 to layers.0" in findings[0].title


def test_the_same_net_is_healthy_where_it_learns():
    assert loud(deep_sigmoid(learns=True)) == set()


def test_a_tiny_rate_on_a_sound_net_is_no_vanishing_gradient():
    case = rate_too_low()
    assert root(case) == "LRN101"
    assert "GRD101" not in codes(case)


def test_ten_plain_relu_layers_are_named_only_where_they_do_not_learn():
    healthy = deep_relu_that_learns()
    assert loud(healthy) == set()
    flat = stuck(healthy)
    flat = with_trace(flat, lambda x: with_series(x, update_ratio=constant(1e-6)))
    assert root(flat) == "GRD101"


def test_divergence_is_folded_under_a_rate_beyond_the_range():
    case = nonfinite_loss()
    fast = replace(
        case,
        lr_range=lr_range(50.0, 0.2, 3.0),
        history=replace(case.history, learning_rates=(50.0,) * len(case.history.losses)),
    )
    findings = judge(fast).findings
    assert findings[0].code == "LRN101"
    assert {"NUM101", "CRV102"} <= {f.code for f in findings[0].consequences}
    assert root(case) == "NUM101"


def test_zero_weights_explain_what_follows():
    case = with_batch(zero_weights(), without_gradient=("layers.0.weight", "layers.2.weight"))
    findings = judge(case).findings
    assert [f.code for f in findings] == ["INI101"]


def test_unscaled_inputs_explain_divergence_saturation_and_rate():
    losses = tuple(2.3 + 0.1 * k for k in range(400))
    case = with_losses(unscaled_inputs(), losses, learning_rates=(0.1,) * 400)
    case = replace(case, lr_range=lr_range(0.1, 1e-4, 1e-3))
    findings = judge(case).findings
    assert findings[0].code == "DAT101"
    assert {"LRN101", "CRV102"} <= {f.code for f in findings[0].consequences}


@pytest.mark.parametrize(
    ("mean", "std"),
    [(0.13, 0.31), (0.0, 1.0), (0.5, 0.3), (3.5, 2.0), (1.0, 0.05)],
    ids=["images", "standard", "unit", "iris", "offset"],
)
def test_usual_input_scales_are_not_even_mentioned(mean, std):
    case = with_inputs(
        stuck(), mean=mean, std=std, channel_means=(mean,) * 4, channel_stds=(std,) * 4
    )
    assert "DAT101" not in codes(case)


def test_unscaled_inputs_that_learn_well_are_an_info():
    case = with_inputs(
        digits_mlp(), mean=120.0, std=80.0, channel_means=(120.0,) * 64, channel_stds=(80.0,) * 64
    )
    assert loud(case) == set()
    assert "DAT101" in codes(case)


def test_a_first_norm_takes_care_of_the_inputs():
    case = unscaled_inputs()
    normed = with_model(
        case,
        layers=(
            replace(case.recipe.model.layers[0], name="norm", kind="BatchNorm1d", order=-1),
            *case.recipe.model.layers,
        ),
    )
    assert "DAT101" not in codes(normed)


def test_softmax_before_cross_entropy_is_a_warning_where_it_learns():
    case = with_outputs(
        with_model(digits_mlp(), output_activation="softmax"),
        rows_sum_to_one=True,
        in_unit_interval=True,
    )
    levels = {f.code: f.level for f in judge(case).flat()}
    assert levels["LOS101"] is Level.WARNING
    levels = {f.code: f.level for f in judge(softmax_scores()).flat()}
    assert levels["LOS101"] is Level.ERROR


def test_log_softmax_before_cross_entropy_is_fine():
    case = with_outputs(
        with_model(stuck(), output_activation="log_softmax"), log_probabilities=True, maximum=-1.0
    )
    assert "LOS101" not in codes(case)


def test_shuffled_labels_are_told_as_what_is_known():
    finding = judge(stuck()).findings[0]
    assert finding.code == "CRV101"
    assert "by heart" in finding.explanation
    assert "labels" in finding.explanation


def test_imbalanced_labels_do_not_make_the_initial_loss_look_wrong():
    case = with_targets(digits_mlp(), class_counts={0: 500, 1: 12})
    case = with_batch(case, expected_loss=0.11, initial_loss=2.31)
    assert "LOS105" not in codes(case)


def test_an_output_layer_may_start_at_zero():
    def clear(layer):
        return replace(layer, weight_std=0.0, duplicated_rows=1.0) if layer.output else layer

    assert "INI101" not in codes(with_layers(stuck(), clear))


def test_a_half_silent_layer_on_too_few_rows_says_nothing():
    case = with_readings(stuck(), lambda r: replace(r, silent_share=0.9, rows=16))
    assert "INI105" not in codes(case)


def test_labels_out_of_range_are_found_without_a_forward_pass():
    case = with_targets(digits_mlp(), minimum=0, maximum=10)
    case = replace(
        with_batch(case, outputs=None, layers=()),
        history=None,
        trace=None,
        lr_range=None,
        one_batch=None,
    )
    assert root(case) == "DAT103"


def test_ignore_index_is_no_wrong_label():
    case = with_targets(digits_mlp(), minimum=-100)
    assert "DAT103" not in codes(case)
