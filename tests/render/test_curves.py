import math
import statistics

from hypothesis import given
from hypothesis import strategies as st

from render import sample
from torchclinic.core import Evaluation, History, Run
from torchclinic.render.curves import (
    Curve,
    bundle,
    evaluated_split,
    evaluation_bundles,
    evaluation_curve,
    training_bundles,
)

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3)


@given(st.lists(VALUES, min_size=1, max_size=7))
def test_the_median_and_the_band_hold_all_seeds(seeds):
    found = bundle("before", [Curve((1, 2, 3), tuple(values)) for values in seeds])
    for place in range(3):
        column = [values[place] for values in seeds]
        assert math.isclose(
            found.median.values[place], statistics.median(column), rel_tol=1e-9, abs_tol=1e-9
        )
        assert (found.low[place], found.high[place]) == (min(column), max(column))


def test_the_median_ends_where_most_seeds_are_lost():
    nan = math.nan
    found = bundle(
        "after", [Curve((1, 2), (1.0, nan)), Curve((1, 2), (3.0, nan)), Curve((1, 2), (2.0, 5.0))]
    )
    assert found.median.values[0] == 2.0
    assert math.isnan(found.median.values[1])
    assert found.broken == 2
    assert found.gone
    assert found.seeds[0].breaks_at == 2


def test_empty_curves_make_no_bundle():
    assert bundle("before", []) is None
    assert bundle("before", [Curve((), ())]) is None


def test_validation_is_shown_before_test_and_train():
    both = History(
        evaluations=tuple(
            Evaluation(step, split, loss)
            for split, loss in (("train", 1.0), ("test", 2.0), ("validation", 3.0))
            for step in (0, 1)
        )
    )
    assert evaluation_curve(both, "loss").values == (3.0, 3.0)
    assert evaluated_split([Run("r", 0, both)], "loss") == "validation"
    only_end = History(evaluations=(Evaluation(9, "test", 2.0),))
    assert evaluation_curve(only_end, "loss").steps == ()


def test_sides_are_named_only_where_there_are_two():
    before, after = sample.runs(False)[:2], sample.runs(True)[:2]
    assert [b.arm for b in evaluation_bundles(before, after, "metric")] == ["before", "after"]
    assert [b.arm for b in training_bundles(before, ())] == ["alone"]


def test_the_training_curve_follows_the_losses():
    runs = sample.runs(True)
    (found,) = training_bundles(runs, (), points=90)
    assert len(found.median.steps) == 90
    losses = runs[0].history.losses
    assert math.isclose(found.seeds[0].values[-1], statistics.fmean(losses[-10:]))
    assert found.median.last < 0.2
    assert found.median.values[0] > 2.0
