"""First weights that are too large in streams, states and embeddings; and what is no fault."""

import math
from dataclasses import replace

import pytest

from rules.healthy_cases import digits_mlp
from rules.sick_cases import high_initial_loss
from rules.sick_start import (
    exploding_state,
    flat_gates,
    growing_stream,
    lagging,
    lost,
    one_key,
    recurrent,
    restarted,
    stream,
    wide_vectors,
    with_start,
)
from torchclinic.core import EmbeddingFacts, Level
from torchclinic.rules import judge
from torchclinic.rules.start import growing_stream as stream_of
from torchclinic.rules.start import usual_scale


def levels(case):
    return {f.code: f.level for f in judge(case).flat()}


def first(case):
    return judge(case).findings[0]


def start_codes(case):
    return {code for code in levels(case) if code in ("INI106", "INI107", "INI108")}


@pytest.mark.parametrize("build", [growing_stream, exploding_state, wide_vectors, one_key])
def test_a_better_run_from_usual_weights_makes_it_an_error_and_the_root(build):
    case = restarted(build(), 0.3)
    found = first(case)
    assert found.level is Level.ERROR
    assert found.code in ("INI106", "INI107", "INI108")
    assert "0.3 on validation rows, in place of 2.31" in found.explanation
    assert {"CRV101"} <= {f.code for f in found.consequences}


@pytest.mark.parametrize("build", [growing_stream, exploding_state, wide_vectors, one_key])
def test_a_run_from_usual_weights_that_is_no_better_makes_it_a_remark(build):
    case = restarted(build(), 2.25)
    assert first(case).code not in start_codes(case)
    assert {levels(case)[code] for code in start_codes(case)} == {Level.INFO}


@pytest.mark.parametrize("build", [growing_stream, exploding_state, wide_vectors])
def test_a_training_that_learns_well_gets_a_remark_at_most(build):
    case = replace(digits_mlp(), batch=build().batch)
    assert judge(case).findings[0].level is Level.INFO


def test_a_loss_that_became_infinite_counts_as_infinite():
    case = restarted(exploding_state(), 0.3, loss=math.inf)
    assert first(case).code == "INI107"


def test_the_initial_loss_is_a_consequence_of_the_stream():
    case = replace(high_initial_loss(), batch=high_initial_loss().batch)
    assert first(case).code == "LOS105"
    grown = restarted(with_start(case, **stream()), 0.3)
    assert first(grown).code == "INI106"
    assert "LOS105" in {f.code for f in first(grown).consequences}


def additive(sums, first_size=0.3, branch=1.0):
    """Branches of one size behind a norm: variances add up."""
    return tuple(math.hypot(first_size, branch * math.sqrt(k)) for k in range(sums + 1))


@pytest.mark.parametrize("sums", [6, 12, 24, 100])
@pytest.mark.parametrize("first_size", [0.02, 0.3, 1.0])
def test_branches_that_add_one_size_each_are_usual(sums, first_size):
    assert stream_of(with_start(digits_mlp(), stream=additive(sums, first_size))) is None


@pytest.mark.parametrize("factor", [1.0, 1.03, 1.1])
def test_torchs_own_start_of_40_blocks_is_usual(factor):
    assert stream_of(with_start(digits_mlp(), **stream(40, factor))) is None


def test_few_blocks_are_no_growth():
    assert stream_of(with_start(digits_mlp(), **stream(4, 1.7))) is None


def test_a_stream_that_overflows_grows():
    sizes = (*stream(24)["stream"][:20], math.inf, math.inf, math.nan, math.nan, math.nan)
    found = stream_of(with_start(digits_mlp(), stream=sizes))
    assert found.last == math.inf
    assert found.per_sum == pytest.approx(1.7)


def test_the_factor_for_branches_leaves_a_stream_that_hardly_grows():
    (change, *_) = usual_scale(with_start(digits_mlp(), **stream(24, 2**0.5)))
    assert change.part == "weight"
    assert (1 + change.factor**2) ** (24 / 2) == pytest.approx(1.63, abs=0.02)  # from 4,096


@pytest.mark.parametrize(
    "layer",
    [
        recurrent(gain=0.58, per_step=1.0, from_state=0.05),  # torch's own
        recurrent(gain=1.0, per_step=1.05, from_state=3.0),  # the identity
        recurrent(gain=1.41, per_step=1.0, from_state=0.5),  # He's
        recurrent(gain=3.0, per_step=1.0, saturated=0.2),  # states in bounds, and free
        recurrent(gain=3.0, per_step=1.3, steps=4),  # few steps
        flat_gates(),  # of the inputs, not of the state
    ],
)
def test_recurrent_weights_that_do_no_harm_are_not_named(layer):
    assert "INI107" not in levels(lost(with_start(digits_mlp(), recurrent=(layer,))))


def test_recurrent_weights_that_hold_a_tanh_state_at_its_bounds_are_named():
    layer = recurrent(gain=6.0, per_step=1.0, from_state=5.0, saturated=0.7)
    case = restarted(lost(with_start(digits_mlp(), recurrent=(layer,))), 0.3)
    found = first(case)
    assert found.code == "INI107"
    assert "70% of them lie where their function is flat" in found.explanation


@pytest.mark.parametrize(
    "fields",
    [
        {"input_rms": 3.0},
        {"saturated": 0.2},
        {"fed_by": ""},  # large inputs are another rule's
        {"from_state": 20.0},  # the state's doing
    ],
)
def test_embeddings_are_named_only_where_they_are_large_and_do_harm(fields):
    assert "INI108" not in levels(wide_vectors(**fields))


def test_large_vectors_behind_a_norm_or_free_attention_are_not_named():
    assert "INI108" not in levels(one_key(sharp=0.1))
    assert "INI108" not in levels(one_key(size=1.0))


def test_large_vectors_that_make_the_untrained_model_sure_are_named():
    case = high_initial_loss()
    case = restarted(with_start(case, embeddings=(EmbeddingFacts("embed", 30.0),)), 0.3)
    found = first(case)
    assert found.code == "INI108"
    assert "LOS105" in {f.code for f in found.consequences}


def test_an_average_that_learnt_nothing_is_an_error_and_what_follows_is_folded():
    found = first(lagging())
    assert (found.code, found.level) == ("REG102", Level.ERROR)
    assert "a decay of 0.98 keeps a thousandth" in found.explanation
    assert first(lagging(average=1.0)).level is Level.WARNING


@pytest.mark.parametrize("case", [lagging(share=0.05), lagging(average=0.2), lagging(share=None)])
def test_an_average_that_follows_or_does_no_harm_is_not_named(case):
    assert "REG102" not in levels(case)
