"""Causes that are named only on evidence: trials, modes, positions, and what a norm sees."""

from dataclasses import replace

import pytest

from rules.healthy_cases import digits_mlp, falling, lr_range, text_lstm
from rules.sick_cases import (
    dying,
    first_step_forgotten,
    first_step_unread,
    metric_of_one_column,
    nonfinite_loss,
    overfits,
    rate_too_high,
    rate_too_low,
    reach,
    stuck,
    with_batch,
    with_losses,
    with_model,
    with_recipe,
    with_trace,
)
from torchclinic.core import (
    BreakFacts,
    Evaluation,
    Level,
    LossFacts,
    NormFacts,
    RateTrialFacts,
    ReachFacts,
)
from torchclinic.rules import judge
from torchclinic.rules.rates import rates_to_try


def root(case):
    findings = judge(case).findings
    return findings[0].code if findings else None


def named(case, code):
    return next((f for f in judge(case).flat() if f.code == code), None)


def tried(case, loss, at=10.0, **fields):
    rate = case.history.learning_rates[-1]
    last = case.history.last("validation").loss
    found = RateTrialFacts(rate, at * rate, len(case.history.losses), "validation", last, loss)
    return replace(case, trial=replace(found, **fields))


def test_a_low_rate_needs_a_larger_one_that_gets_farther():
    case = rate_too_low()
    assert named(tried(case, 0.3), "LRN101").title.count("gets") == 1
    assert named(tried(case, 2.29), "LRN101") is None
    assert named(tried(case, float("inf")), "LRN101") is None


def test_a_stuck_training_is_tried_at_larger_rates_and_at_a_tenth():
    case = stuck()
    rate = max(case.history.learning_rates)
    tried_at = rates_to_try(case)
    assert tried_at[-1] == pytest.approx(rate / 10)
    assert all(other >= 3 * rate for other in tried_at[:-1])
    assert rates_to_try(digits_mlp()) == ()


def beyond_the_edge(end=0.9, divergence=0.05):
    """A training that learns at a rate at which the range test has blown up, and ends half-way."""
    case = digits_mlp()
    ends = tuple(replace(e, loss=end, metric=None) for e in case.history.evaluations)
    history = replace(case.history, losses=falling(2.31, end), evaluations=ends, metric=None)
    return replace(case, history=history, lr_range=lr_range(0.1, 0.002, divergence), trace=None)


def test_a_training_beyond_the_edge_that_leaves_much_is_tried_at_a_tenth():
    assert rates_to_try(beyond_the_edge())[-1] == pytest.approx(0.01)
    assert 0.01 not in rates_to_try(beyond_the_edge(divergence=0.5))
    assert rates_to_try(beyond_the_edge(end=0.02)) == ()
    assert named(tried(beyond_the_edge(), 0.1, at=0.1), "LRN101").level is Level.WARNING
    assert named(tried(beyond_the_edge(), 0.8, at=0.1), "LRN101") is None


def test_a_rate_that_ends_no_better_than_a_constant_proves_nothing():
    case = stuck()
    constant = case.batch.expected_loss
    lost = tuple(replace(e, loss=9 * constant) for e in case.history.evaluations)
    case = replace(case, history=replace(case.history, evaluations=lost))
    assert named(tried(case, constant, at=0.1), "LRN101") is None


def test_a_high_rate_is_named_where_a_smaller_one_gets_farther():
    case = stuck()
    assert "too high" in named(tried(case, 0.3, at=0.1), "LRN101").title
    assert named(tried(case, 2.29, at=0.1), "LRN101") is None


def test_what_the_trial_measured_is_told():
    found = named(tried(rate_too_low(), 0.3, metric=0.1, tried_metric=0.93), "LRN101")
    assert "0.3" in found.explanation
    assert "0.93 in place of 0.1" in found.explanation


def test_a_warm_up_that_never_ends_is_said():
    case = rate_too_low()
    steps = len(case.history.losses)
    rates = tuple(1e-5 * (k + 1) / steps for k in range(steps))
    optimizer = replace(case.recipe.optimizer, learning_rates=(1e-2,))
    case = with_recipe(
        replace(case, history=replace(case.history, learning_rates=rates)), optimizer=optimizer
    )
    assert "warm-up" in named(tried(case, 0.3), "LRN101").title


def test_squared_errors_are_not_blamed_where_a_larger_rate_helps():
    case = with_recipe(stuck(), loss_kind="mse")
    assert named(case, "LOS103").level is not Level.INFO
    assert named(tried(case, 0.3), "LOS103").level is Level.INFO


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (BreakFacts(7, "gradient", "sqrt", -0.1, 0.1, "loss.py:3: d.sqrt()", 0.5), "slope"),
        (BreakFacts(7, "loss", "log", 0.0, 1.0), "clamp"),
        (BreakFacts(7, "outputs", "div", 0.0, 2.0), "divisor"),
    ],
)
def test_a_singular_operation_is_the_root_and_not_the_rate(found, words):
    case = replace(nonfinite_loss(), broken=found)
    assert root(case) == "NUM101"
    finding = named(case, "NUM101")
    assert found.operation in finding.title
    assert words in finding.explanation
    fast = replace(case, lr_range=rate_too_high().lr_range)
    assert root(fast) == "NUM101"


@pytest.mark.parametrize(
    "found",
    [
        BreakFacts(7, "outputs", "exp", 80.0, 120.0),
        BreakFacts(7, "loss", "log", -1e30, 1e30),
        BreakFacts(7, "outputs", "linear", -3e38, 3e38),
    ],
)
def test_an_overflow_is_left_to_the_rate(found):
    case = replace(nonfinite_loss(), broken=found)
    assert found.operation not in named(case, "NUM101").title


def test_half_a_layer_silent_is_an_info_and_a_whole_one_an_error():
    case = dying()
    assert named(case, "ACT101").level is not Level.INFO

    def half(layer):
        series = dict(layer.series)
        silent = series.get("silent_share")
        if silent is not None:
            values = tuple(min(value, 0.7) for value in silent.values)
            series["silent_share"] = replace(silent, values=values)
        return replace(layer, series=series)

    assert named(with_trace(case, half), "ACT101").level is Level.INFO


def test_validation_that_is_bad_in_evaluation_mode_alone_is_no_overfitting():
    case = overfits()
    assert named(case, "CRV103") is not None
    norm = NormFacts("norm", "BatchNorm1d", values=32, momentum=0.0, untouched=True)
    last = case.history.last("validation")
    same = tuple(
        replace(e, loss=last.loss) if e.split == "train" else e for e in case.history.evaluations
    )
    case = with_model(
        replace(case, history=replace(case.history, evaluations=same)), norm_layers=(norm,)
    )
    assert root(case) == "WIR109"
    assert "momentum is 0" in named(case, "WIR109").explanation


@pytest.mark.parametrize(
    ("norm", "loud"),
    [
        (NormFacts("n", "BatchNorm1d", values=2, momentum=0.1), True),
        (NormFacts("n", "BatchNorm1d", values=32, momentum=0.1), False),
        (NormFacts("n", "BatchNorm2d", values=32, momentum=0.1, asleep=True), False),
        (NormFacts("n", "BatchNorm2d", values=32, asleep=True, untouched=True), True),
        (NormFacts("n", "LayerNorm", values=1), True),
        (NormFacts("n", "LayerNorm", values=64), False),
        (NormFacts("n", "GroupNorm", values=1), True),
    ],
)
def test_norms_that_cannot_work_are_named_where_learning_suffers(norm, loud):
    found = named(with_model(stuck(), norm_layers=(norm,)), "WIR109")
    assert (found is not None) is loud
    healthy = with_model(digits_mlp(), norm_layers=(norm,))
    assert all(f.level is Level.INFO for f in judge(healthy).flat())


def test_unread_and_forgotten_steps_need_a_training_that_suffers():
    for build, code in ((first_step_unread, "WIR110"), (first_step_forgotten, "GRD103")):
        sick = build()
        fine = with_model(
            replace(with_batch(text_lstm(), reach=sick.batch.reach), reach=sick.reach),
            recurrent=True,
        )
        assert named(sick, code) is not None
        assert named(fine, code) is None


@pytest.mark.parametrize(
    ("tells", "effects", "loud"),
    [
        ((0.5,) * 8, (0.0,) * 7 + (0.8,), True),
        ((0.5,) * 8, (0.0,) * 4 + (0.8,) * 4, False),
        ((0.5,) * 7 + (200.0,), (0.0,) * 7 + (0.8,), False),
    ],
    ids=["none tells, one is read", "none tells, half are read", "the one that tells is read"],
)
def test_steps_that_tell_nothing_may_go_unread_unless_hardly_any_is_read(tells, effects, loud):
    found = reach(effects=effects, tells=tells)
    stuck_on_it = replace(with_batch(stuck(), reach=found), reach=found)
    assert (named(stuck_on_it, "WIR110") is not None) is loud
    assert named(replace(with_batch(digits_mlp(), reach=found), reach=found), "WIR110") is None


def test_padding_that_alone_moves_the_outputs_is_a_mask_the_wrong_way_round():
    """Exchanges that move the padding have an effect, exchanges of words for words have none."""
    found = reach(effects=(0.0,) * 4 + (0.4,) * 4, contents=(0.0,) * 8, tells=(2.0,) * 8)
    case = replace(with_batch(stuck(), reach=found), reach=found)
    assert "the mask is the wrong way round" in named(case, "WIR110").explanation
    fine = reach(effects=(0.0,) * 4 + (0.4,) * 4, contents=(0.4,) * 8, tells=(2.0,) * 8)
    assert named(replace(with_batch(stuck(), reach=fine), reach=fine), "WIR110") is None
    assert named(replace(with_batch(digits_mlp(), reach=found), reach=found), "WIR110") is None


def test_one_step_that_tells_and_is_read_does_not_outweigh_all_the_others():
    few = reach(effects=(0.8,) + (0.0,) * 7, tells=(12.0,) + (1.0,) * 7)
    many = reach(effects=(0.8,) + (0.0,) * 7, tells=(12.0,) + (6.0,) * 7)
    for found, loud in ((few, False), (many, True)):
        case = replace(with_batch(stuck(), reach=found), reach=found)
        assert (named(case, "WIR110") is not None) is loud


def test_outputs_that_never_vary_leave_no_step_unread():
    found = ReachFacts(axis="positions", spread=0.0, constant_end=40)
    judgement = judge(replace(with_batch(stuck(), reach=found), reach=found))
    assert "WIR110" not in {f.code for f in judgement.flat()}
    assert not [why for why in judgement.skipped.values() if "raised" in why]


def test_clipping_and_too_few_steps_are_not_blamed_on_the_rate():
    case = tried(rate_too_low(), 0.3)
    assert named(case, "LRN101") is not None
    assert named(with_recipe(case, clip_value=1e-6), "LRN101") is None
    assert "clipped at 1e-06" in named(with_recipe(case, clip_value=1e-6), "LRN102").explanation


def test_a_state_that_learnt_to_remember_has_not_forgotten():
    case = first_step_forgotten()
    after = reach(effects=(0.9,) * 8)
    assert named(replace(case, reach=after), "GRD103") is None


def test_a_bag_without_attention_may_be_blind_to_order():
    case = with_batch(stuck(), reach=reach(order_blind=True))
    assert named(case, "WIR112") is None


def test_outputs_that_collapsed_are_told_from_outputs_that_never_varied():
    before = ReachFacts(spread=0.4, spreads={"code": 0.5, "out": 0.4})
    after = ReachFacts(spread=1e-4, spreads={"code": 0.01, "out": 1e-4})
    found = named(replace(with_batch(digits_mlp(), reach=before), reach=after), "WIR111")
    assert found.layers == ("code",)
    assert "collapsed" in found.title
    zero_head = ReachFacts(spread=0.0)
    grown = replace(with_batch(digits_mlp(), reach=zero_head), reach=before)
    assert named(grown, "WIR111") is None


@pytest.mark.parametrize(
    ("given", "loud"),
    [
        (LossFacts(function="kl_div", given="probabilities"), True),
        (LossFacts(function="kl_div", given="log-probabilities"), False),
        (LossFacts("poisson_nll_loss", True, "positive", exponential=True), True),
        (LossFacts("poisson_nll_loss", True, "positive"), False),
        (LossFacts("poisson_nll_loss", False, "positive", exponential=True), False),
        (LossFacts("poisson_nll_loss", False, "any"), True),
        (LossFacts("soft_margin_loss", lowest=0.0, highest=1.0), True),
        (LossFacts("soft_margin_loss", lowest=-1.0, highest=1.0), False),
    ],
)
def test_losses_that_get_what_they_do_not_take(given, loud):
    case = with_recipe(with_batch(digits_mlp(), loss=given), loss_kind="custom")
    assert (named(case, "LOS103") is not None) is loud


@pytest.mark.parametrize(
    ("rows", "silent"),
    [
        ({0: 10, 1: 10}, {}),
        ({0: 10, 1: 10}, {0: 9}),
        ({0: 10, 1: 10}, {0: 10, 1: 10}),
        ({-1: 10, 1: 10}, {-1: 10}),
    ],
    ids=["none", "not all of them", "all labels", "no label"],
)
def test_labels_that_are_not_silent_altogether(rows, silent):
    given = LossFacts(rows=rows, silent=silent)
    case = with_recipe(with_batch(digits_mlp(), loss=given), loss_kind="custom")
    assert named(case, "LOS108") is None


def test_a_perfect_metric_may_stand_still():
    case = metric_of_one_column()
    perfect = tuple(replace(e, metric=1.0) for e in case.history.evaluations)
    assert (
        named(replace(case, history=replace(case.history, evaluations=perfect)), "CRV106") is None
    )


def hasty(patience=1, losses=(2.2, 1.6, 1.1), planned=800):
    case = digits_mlp()
    seen = tuple(
        Evaluation(32 * (k + 1), split, loss)
        for k, loss in enumerate(losses)
        for split in ("validation", "train")
    )
    steps = 32 * len(losses)
    falling = tuple(2.3 - (2.3 - losses[-1]) * k / steps for k in range(steps))
    case = with_losses(case, falling, evaluations=seen)
    case = replace(
        case,
        history=replace(case.history, ending="early-stopping", planned_steps=planned, metric=None),
    )
    return with_recipe(case, patience=patience, early_stopping=True, planned_steps=planned)


def test_early_stopping_in_haste_is_told_from_early_stopping():
    found = named(hasty(), "CRV104")
    assert found is not None
    assert "early stopping" in found.title
    assert named(hasty(losses=(2.2, 1.1, 1.2)), "CRV104") is None
    assert named(hasty(planned=120), "CRV104") is None


def test_frozen_weights_that_were_loaded_are_no_finding():
    case = with_model(
        stuck(),
        layers=tuple(replace(x, trainable=False) for x in digits_mlp().recipe.model.layers),
        trainable=100,
    )
    assert named(case, "WIR102") is not None
    assert named(with_model(case, frozen_anew=True), "WIR102") is not None
    assert named(with_model(case, frozen_anew=False), "WIR102") is None
