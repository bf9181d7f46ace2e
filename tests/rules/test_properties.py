"""Properties that hold for every Case and every rule."""

import math
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.strategies import cases, traces
from torchclinic.core import Case, Level
from torchclinic.rules import RULES, judge
from torchclinic.rules.wording import TITLE_WIDTH

slow = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def raised(judgement):
    return {c: why for c, why in judgement.skipped.items() if "raised" in why}


@slow
@given(cases)
def test_any_case_can_be_judged(case):
    judgement = judge(case)
    assert raised(judgement) == {}
    for finding in judgement.flat():
        rule = RULES[finding.code]
        assert finding.level in rule.levels
        assert finding.rule == rule.name
        assert 0 <= finding.confidence <= 1
        assert finding.title
        assert len(finding.title) <= TITLE_WIDTH
        assert "\n" not in finding.title
        assert finding.explanation
        assert finding.evidence
    assert_ranked(judgement.findings)
    assert repr(judge(replace(case)).findings) == repr(judgement.findings)


def assert_ranked(findings):
    """An info never swallows, a cause stands no later than its effect, and roots are in order."""
    for finding in findings:
        assert finding.level is not Level.INFO or finding.consequences == ()
        for folded in finding.consequences:
            assert folded.consequences == ()
            assert folded.level is Level.INFO or finding.stage <= folded.stage
    keys = [(f.level is Level.INFO, f.stage, f.level.rank) for f in findings]
    assert keys == sorted(keys)


@slow
@given(traces)
def test_a_bare_trace_can_be_judged(trace):
    judgement = judge(Case(trace=trace))
    assert raised(judgement) == {}
    assert {finding.code for finding in judgement.flat()} <= {
        "GRD101", "GRD102", "NUM101", "ACT101", "LRN101", "LRN102", "CRV101", "CRV102", "LOS107",
    }  # fmt: skip


@slow
@given(cases, st.randoms(use_true_random=False))
def test_order_of_the_channels_does_not_matter(case, random):
    if case.batch is None:
        return
    inputs = case.batch.inputs
    pairs = list(zip(inputs.channel_means, inputs.channel_stds, strict=False))
    random.shuffle(pairs)
    cut = replace(
        inputs,
        channel_means=inputs.channel_means[: len(pairs)],
        channel_stds=inputs.channel_stds[: len(pairs)],
    )
    mixed = replace(
        inputs,
        channel_means=tuple(mean for mean, _ in pairs),
        channel_stds=tuple(std for _, std in pairs),
    )
    before = judge(replace(case, batch=replace(case.batch, inputs=cut)))
    after = judge(replace(case, batch=replace(case.batch, inputs=mixed)))
    assert [(f.code, f.level, f.title) for f in before.flat()] == [
        (f.code, f.level, f.title) for f in after.flat()
    ]


@slow
@given(cases, st.integers(0, 5))
def test_fewer_facts_never_raise(case, place):
    names = ("recipe", "batch", "one_batch", "lr_range", "history", "trace")
    without = replace(case, **{names[place]: None})
    judgement = judge(without)
    assert raised(judgement) == {}
    for code in judgement.skipped:
        assert "to judge by" in judgement.skipped[code]


def test_nothing_known_means_nothing_said():
    judgement = judge(Case())
    assert judgement.findings == ()
    assert all(math.isfinite(len(why)) for why in judgement.skipped.values())
