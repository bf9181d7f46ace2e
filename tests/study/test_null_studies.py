"""Studies in which no arm differs from another, and studies with a difference of known size."""

import numpy as np
import pytest
from scipy.stats import binom

from torchclinic.study import detectable_effect, fewest_seeds, seeds_needed, sign_flip_p
from torchclinic.study.findings import compare_all, find_best
from torchclinic.study.findings.comparisons import all_pairs, pairs_with
from torchclinic.study.judged import Judged

JUDGED = Judged("accuracy", higher_is_better=True, split="test")
DRAWS = {
    "normal": lambda g, n: g.normal(0.9, 0.01, n),
    "accuracy of 360 rows": lambda g, n: g.binomial(360, 0.95, n) / 360,
    "skewed": lambda g, n: 1 - g.exponential(0.05, n),
}


def null_study(generator, arms, seeds, draw):
    """Scores with a common effect of each seed, as paired runs have."""
    common = generator.normal(0, 0.01, seeds)
    return {
        f"arm {k}": dict(enumerate((DRAWS[draw](generator, seeds) + common).tolist()))
        for k in range(arms)
    }


def claims(study, pairs):
    found = compare_all(pairs, study, JUDGED, confidence=0.95)
    return any(c.judgement != "inconclusive" for c in found)


def false_alarms(trials, arms, seeds, draw, pairs_of):
    generator = np.random.default_rng(seeds)
    studies = (null_study(generator, arms, seeds, draw) for _ in range(trials))
    return sum(claims(study, pairs_of(list(study))) for study in studies)


def at_most(trials):
    """What 5 % would not exceed but once in a thousand times."""
    return binom.ppf(0.999, trials, 0.05)


@pytest.mark.parametrize("draw", DRAWS)
def test_one_comparison_of_equals_is_settled_in_5_percent_at_most(draw):
    found = false_alarms(400, 2, 8, draw, lambda arms: pairs_with(arms[0], arms))
    assert found <= at_most(400)


def test_many_arms_are_no_more_often_wrong_than_one():
    found = false_alarms(120, 8, 12, "normal", lambda arms: pairs_with(arms[0], arms))
    assert found <= at_most(120)


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize(("arms", "seeds"), [(2, 6), (2, 10), (5, 10), (10, 12)])
def test_family_wise_error_over_many_studies(draw, arms, seeds):
    baseline = false_alarms(500, arms, seeds, draw, lambda a: pairs_with(a[0], a))
    assert baseline <= at_most(500)


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWS)
def test_family_wise_error_of_all_pairs(draw):
    assert false_alarms(300, 5, 12, draw, all_pairs) <= at_most(300)


def test_a_best_arm_among_equals_is_seldom_claimed():
    generator = np.random.default_rng(5)
    claimed = 0
    for _ in range(100):
        study = null_study(generator, 4, 12, "normal")
        pairs = compare_all(all_pairs(list(study)), study, JUDGED, confidence=0.95)
        best = find_best(study, JUDGED, pairs, confidence=0.95)
        assert sum(best.shares.values()) == pytest.approx(1)
        assert best.share == max(best.shares.values()) or best.arm in best.contenders
        claimed += len(best.contenders) == 1
    assert claimed <= at_most(100)


@pytest.mark.parametrize(("pairs", "family"), [(8, 1), (12, 4), (20, 3)])
def test_power_is_as_predicted(pairs, family):
    confidence = 1 - 0.05 / family
    effect = detectable_effect(pairs, confidence=confidence)
    generator = np.random.default_rng(pairs)
    draws = generator.normal(effect, 1, size=(500, pairs))
    found = np.mean([sign_flip_p(d, resamples=1_999) <= 1 - confidence for d in draws])
    assert 0.74 <= found <= 0.87


@pytest.mark.parametrize("family", [1, 5, 20])
def test_detectable_effect_is_the_inverse_of_seeds_needed(family):
    confidence = 1 - 0.05 / family
    for pairs in (fewest_seeds(confidence), 14, 40):
        effect = detectable_effect(pairs, confidence=confidence)
        assert seeds_needed(1.001 * effect, 1.0, confidence=confidence) <= pairs
        assert seeds_needed(0.99 * effect, 1.0, confidence=confidence) >= pairs


def test_a_study_of_known_effect_is_settled_as_often_as_said():
    generator, seeds, found = np.random.default_rng(2), 10, 0
    effect = detectable_effect(seeds)
    for _ in range(300):
        before = generator.normal(0, 1, seeds)
        after = before + generator.normal(effect, 1, seeds)
        scores = {"a": dict(enumerate(before.tolist())), "b": dict(enumerate(after.tolist()))}
        (c,) = compare_all([("a", "b")], scores, JUDGED, confidence=0.95)
        found += c.judgement == "better"
    assert 0.72 <= found / 300 <= 0.88
