import dataclasses
import math

import pytest

from render import sample
from torchclinic.core import Cost, Evidence, LRRange, Outcome, Verdict
from torchclinic.render import arms, render_repair_page, render_repair_text
from torchclinic.render.layers import tables
from torchclinic.render.story import (
    OUTCOME_WORDS,
    change,
    checked_sentence,
    cost_sentence,
    diverged_sentence,
    ends_sentence,
    evidence_words,
    folded,
    headline,
    higher_is_better,
    interval_sentence,
    layers_sentence,
    layers_title,
    level_counts,
    metric_name,
    rate_sentence,
    seeds_sentence,
)


def test_every_outcome_has_a_word():
    assert set(OUTCOME_WORDS) == set(Outcome)


def test_headlines():
    assert headline(sample.repair()) == "accuracy 0.099 → 0.964"
    assert headline(sample.healthy_repair()) == "relu-3x100 trains well; nothing was changed"
    assert headline(sample.not_repaired()) == "sigmoid-3x100 still fails; nothing was changed"
    assert headline(sample.bare_repair()) == "bare trains well; nothing was changed"


def comparison(before, after, higher=True):
    base = sample.comparison(before, after, range(len(before)))
    return dataclasses.replace(base, higher_is_better=higher)


@pytest.mark.parametrize(
    ("before", "after", "higher", "words"),
    [
        ((0.1, 0.1), (0.9, 0.8), True, "All 2 seeds improve"),
        ((0.1, 0.1), (0.9, 0.0), True, "1 of 2 seeds improve"),
        ((0.5, 0.5), (0.4, 0.3), True, "None of 2 seeds improves"),
        ((0.5, 0.5), (0.4, 0.3), False, "All 2 seeds improve"),
        ((0.5,), (0.9,), True, "The one seed improves"),
        ((0.5,), (0.5,), True, "The one seed does not improve"),
        ((math.nan, 0.5), (0.9, 0.9), True, "All 2 seeds improve"),
    ],
)
def test_how_many_seeds_improve(before, after, higher, words):
    assert seeds_sentence(comparison(before, after, higher)) == words


def test_the_interval_is_written_with_like_decimals():
    text = interval_sentence(comparison((0.1, 0.2), (0.9, 0.94)))
    assert text.startswith("+0.770, 95 % interval [")
    assert text.endswith("p = 0.5")


def test_diverged_runs_are_told():
    found = comparison((0.1, 0.1, 0.1), (0.9, 0.9, 0.9))
    assert diverged_sentence(found) == ""
    lost = dataclasses.replace(found, diverged=(2, 1))
    assert diverged_sentence(lost).startswith("2 of 3 runs before and 1 of 3 runs after diverged")
    shown = dataclasses.replace(sample.repair(), verdict=Verdict(Outcome.IMPROVED, "", lost))
    assert "2 of 3 runs before" in render_repair_text(shown, color=False)
    assert "2 of 3 runs before" in render_repair_page(shown)


def test_evidence_in_words():
    assert evidence_words(Evidence("n", 3, unit="units")) == "3 units"
    assert evidence_words(Evidence("n", 3, 2, ">")) == "3, trouble above 2"
    assert evidence_words(Evidence("n", math.nan, 2, "outside")) == "NaN, trouble outside of 2"


def test_the_layers_in_words():
    before, after = sample.trace(works=False), sample.trace(works=True)
    both = tables(before, after)[0]
    assert layers_title(both) == (
        "Before, the gradient is 39,000 times smaller in fc1 than in out; "
        "after, about equal in all 4 layers (within 1.2x)"
    )
    alone = {t.statistic.name: t for t in tables(after, None)}
    assert layers_sentence(alone["silent_share"], "before") == "at most 5 % (out)"
    assert layers_sentence(alone["silent_share"], "after") == "not measured"
    assert layers_title(alone["silent_share"]) == "The share of silent units is at most 5 % (out)"
    assert layers_title(alone["silent_share"], sides=2).startswith("Before, the share")


def test_a_layer_without_any_gradient_is_called_zero():
    trace = sample.trace(works=True, names=("a", "b"))
    dead = dataclasses.replace(
        trace.layers[0],
        series={
            "gradient_rms": dataclasses.replace(trace.layers[0]["gradient_rms"], values=(0.0,) * 30)
        },
    )
    found = tables(dataclasses.replace(trace, layers=(dead, trace.layers[1])), None)[0]
    assert layers_sentence(found, "before").startswith("zero in a, ")


def test_learning_rates_in_words():
    assert rate_sentence(LRRange()) == "The range test suggests no learning rate"
    assert rate_sentence(LRRange(reason="flat")) == "flat"
    best = {"valley": 0.1}
    assert rate_sentence(LRRange(suggestions=best)).endswith("a learning rate of 0.1")
    assert "100 times below" in rate_sentence(LRRange(suggestions=best, configured=1e-3))
    assert "50 times above" in rate_sentence(LRRange(suggestions=best, configured=5.0))
    assert "is close to" in rate_sentence(LRRange(suggestions=best, configured=0.05))
    several = LRRange(suggestions={"valley": 0.03, "minimum/10": 0.2}, configured=0.12)
    assert (
        rate_sentence(several) == "The configured rate 0.12 lies within the suggested 0.03 to 0.2"
    )


def test_ends_in_words():
    assert ends_sentence("Loss", math.nan, 0.5) == "Loss ends at 0.500"
    assert ends_sentence("Loss", 0.5, math.nan) == "Loss ends at 0.500"


def test_what_was_checked():
    healthy = sample.healthy_diagnosis()
    assert checked_sentence(healthy) == (
        "Checked: data, wiring, initialisation, learning rate, layers, loss."
    )
    assert checked_sentence(sample.diagnosis()).endswith("1 rule could not be judged.")
    assert level_counts(sample.diagnosis()) == "1 error, 1 note"
    assert folded(sample.vanishing()) == ("plateau", "update ratio")
    assert cost_sentence(Cost(budget=3)) == "0 s"


def test_the_metric_and_its_direction():
    assert (metric_name(sample.repair()), higher_is_better(sample.repair())) == ("accuracy", True)
    bare = sample.bare_repair()
    assert (metric_name(bare), higher_is_better(bare)) == ("loss", False)
    unproven = sample.not_repaired()
    assert (metric_name(unproven), higher_is_better(unproven)) == ("accuracy", True)
    found = change(sample.healthy_repair())
    assert found.before == pytest.approx(sample.tests_of(sample.healthy_repair().before))
    assert found.text(found.after) == "-"
    assert change(bare) is None


def test_arms_stand_with_the_best_candidate_first_and_the_unchanged_last():
    found = arms.lines(sample.repair())
    assert found[0].arm.chosen
    assert found[-1].arm.kind == "faulty"
    kinds = [line.control for line in found]
    assert kinds == sorted(kinds)
    scores = [line.score for line in found if not line.control and math.isfinite(line.score)]
    assert scores == sorted(scores, reverse=True)
    best = found[0]
    assert best.gain == pytest.approx(best.score - found[-1].score)
    assert math.isnan(found[-1].gain)


def test_a_lower_loss_is_better():
    base = sample.repair()
    lower = dataclasses.replace(
        base,
        verdict=dataclasses.replace(
            base.verdict,
            comparison=dataclasses.replace(base.verdict.comparison, higher_is_better=False),
        ),
    )
    scores = [x.score for x in arms.lines(lower) if not x.control and math.isfinite(x.score)]
    assert scores == sorted(scores)


def test_what_the_search_found():
    assert arms.title(sample.repair()) == "relu + he + lr gains +0.861; the best control +0.004"
    assert arms.title(sample.not_repaired()).startswith(
        "None of 7 candidates gains more than 0.000"
    )
    assert arms.title(sample.bare_repair()) == "No candidate could be tried"


@pytest.mark.parametrize("limit", [1, 4, 6, 99])
def test_a_shortlist_keeps_the_chosen_arm_and_the_controls(limit):
    found = arms.lines(sample.repair())
    kept, more = arms.shortlist(found, limit)
    assert len(kept) + more == len(found)
    assert {line.arm.name for line in kept} >= {
        line.arm.name for line in found if line.control or line.arm.chosen
    }
    assert len(kept) <= max(limit, 4)
