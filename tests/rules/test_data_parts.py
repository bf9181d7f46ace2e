"""Data that comes near a fault of data, and what must not be said of it."""

from dataclasses import replace

import pytest

from rules.healthy_cases import digits_mlp, text_lstm
from rules.sick_data import (
    RIGHT,
    SICK_DATA,
    TEN,
    class_never_answered,
    class_not_trained,
    classes_renumbered,
    columns_in_another_order,
    drowned_in_noise,
    error_codes_among_targets,
    halved,
    leaking_columns,
    names_as_numbers,
    pixels_lost,
    rows_changed_in_place,
    split_digits,
    split_table,
    staying_behind,
    targets_in_another_unit,
    with_parts,
    with_rows,
)
from torchclinic.core import (
    HalfTrialFacts,
    LabelFacts,
    Level,
    LossFacts,
    OneBatchFacts,
    PredictionFacts,
)
from torchclinic.rules import RULES, judge
from torchclinic.rules.data.missing_classes import left_out


def loud(case, code):
    """Findings of a rule that are more than an info."""
    return [f for f in RULES[code].check(case) if f.level is not Level.INFO]


def labelled(case, **fields):
    labels = case.batch.labels or LabelFacts()
    return replace(case, batch=replace(case.batch, labels=replace(labels, **fields)))


@pytest.mark.parametrize("code", sorted(SICK_DATA))
def test_parts_that_agree_are_not_blamed_for_overfitting(code):
    """Whatever the loss does: the facts are those of a sound split."""
    for case in (split_digits(), split_table()):
        for learning in (case, staying_behind(case)):
            assert loud(learning, code) == []
            assert loud(learning, "DAT105") == []
            assert loud(learning, "DAT106") == []


def test_targets_in_another_unit_are_one_finding():
    findings = judge(targets_in_another_unit()).findings
    assert findings[0].code == "DAT110"
    assert "another scale" in findings[0].title


def test_a_class_never_answered_is_named_though_the_loss_is_not_known():
    findings = judge(class_never_answered()).findings
    assert [f.code for f in findings] == ["DAT113"]
    assert "class 3" in findings[0].title


# --- DAT109 ---------------------------------------------------------------------------------
def test_a_rare_class_may_be_left_out_by_chance():
    case = split_digits(validation_classes=dict.fromkeys(range(9), 30), train_classes={**TEN, 9: 4})
    assert loud(staying_behind(case), "DAT109") == []
    assert left_out({0: 500, 1: 20}, {0: 100}) == {}
    assert left_out({0: 500, 1: 80}, {0: 100}) == {1: 80}


def test_metric_learning_may_be_judged_on_new_classes():
    case = class_not_trained()
    own = replace(case, recipe=replace(case.recipe, loss_kind="custom"))
    assert loud(own, "DAT109") == []


def test_a_series_that_grows_and_is_learnt_is_only_mentioned():
    later = split_table(outside=0.5, target_distance=0.6, target_chance=1e-40, said_distance=0.5)
    assert loud(later, "DAT109") == []
    assert len(loud(staying_behind(later), "DAT109")) == 1


# --- DAT110 ---------------------------------------------------------------------------------
def test_neighbours_that_never_agree_say_nothing_of_the_numbers():
    """The parity of bits: whatever is near has the other class."""
    flipped = {(0, 1): 40, (1, 0): 40}
    case = split_digits(
        train_classes={0: 100, 1: 100},
        validation_classes={0: 40, 1: 40},
        confusion=flipped,
        agreement=0.0,
    )
    parity = labelled(staying_behind(case), likeness=0.02, chance=0.5, z=-20.0)
    known = labelled(staying_behind(case), likeness=0.98, chance=0.5, z=30.0)
    assert loud(parity, "DAT110") == []
    assert len(loud(known, "DAT110")) == 1


def test_later_targets_of_other_inputs_are_not_recoded():
    later = split_table(value_miss=2.0, said_distance=0.6, target_distance=0.8, target_chance=1e-60)
    assert loud(staying_behind(later), "DAT110") == []


def test_the_model_alone_can_tell_where_inputs_are_tokens():
    case = text_lstm()
    classes = dict.fromkeys(range(3), 100)
    case = with_parts(case, train_classes=classes, validation_classes=classes)
    moved = {(k, (k + 1) % 3): 60 for k in range(3)}
    right = {(k, k): 60 for k in range(3)}
    counts = dict.fromkeys(range(3), 60)
    for confusion, said in ((moved, 1), (right, 0)):
        recalls = {k: confusion.get((k, k), 0) / 60 for k in range(3)}
        found = PredictionFacts(180, counts, counts, recalls, confusion)
        assert len(loud(replace(case, predictions=found), "DAT110")) == said


# --- DAT111, DAT112 -------------------------------------------------------------------------
def test_an_order_that_brings_nothing_back_is_not_named():
    case = columns_in_another_order()
    useless = with_parts(case, order_agreement=0.25)
    assert all("order" not in f.title for f in loud(useless, "DAT111"))


def test_alike_correlations_that_differ_in_their_last_digit_are_fine():
    case = with_parts(columns_in_another_order(), order=(), joint_gap=0.02)
    assert loud(case, "DAT111") == []


def test_augmentation_moves_pixels():
    case = with_parts(columns_in_another_order(), order=())
    assert loud(case, "DAT111") != []
    assert loud(with_rows(case, reread=24, noise=0.5), "DAT111") == []


def test_a_column_of_another_range_is_no_leak():
    assert loud(with_parts(leaking_columns(), leak_outside=1.0), "DAT112") == []


# --- DAT113 ---------------------------------------------------------------------------------
def with_loss(case, **fields):
    return replace(case, batch=replace(case.batch, loss=LossFacts(**fields)))


def test_rows_without_a_label_and_padding_are_ignored_on_purpose():
    case = split_digits()
    rows = dict.fromkeys(range(-1, 10), 40)
    assert loud(with_loss(case, rows=rows, silent={-1: 40}), "DAT113") == []
    padded = with_loss(case, rows=rows, silent={0: 40})
    assert len(loud(padded, "DAT113")) == 1
    targets = replace(padded.batch.targets, shape=(64, 20))
    many = replace(padded, batch=replace(padded.batch, targets=targets))
    assert loud(many, "DAT113") == []


def test_a_class_with_some_gradient_counts():
    rows = dict.fromkeys(range(10), 40)
    assert loud(with_loss(split_digits(), rows=rows, silent={3: 39}), "DAT113") == []


def test_a_class_never_answered_follows_from_a_loss_that_does_not_fit():
    """It is what comes of the training; a weight of 0 is a cause by itself."""
    case = class_never_answered()
    assert judge(case).findings[0].code == "DAT113"
    model = replace(case.recipe.model, output_activation="softmax")
    outputs = replace(case.batch.outputs, minimum=0.0, maximum=0.9, rows_sum_to_one=True)
    case = replace(
        case,
        recipe=replace(case.recipe, model=model),
        batch=replace(case.batch, outputs=replace(outputs, in_unit_interval=True)),
    )
    first = judge(case).findings[0]
    assert first.code == "LOS101"
    assert "DAT113" in [f.code for f in first.consequences]
    weightless = with_loss(case, rows=dict.fromkeys(range(10), 40), silent={3: 40})
    assert judge(weightless).findings[0].code == "DAT113"


def test_a_class_that_neighbours_do_not_know_either_is_hard_and_not_left_out():
    case = class_never_answered()
    hard = {**RIGHT, (3, 3): 2, (8, 3): 26}
    assert loud(with_parts(case, confusion=hard), "DAT113") == []


# --- DAT114 to DAT118 -----------------------------------------------------------------------
def test_rows_that_hardly_change_are_left_alone():
    case = with_rows(rows_changed_in_place(), sizes=(1.0, 0.999, 0.998, 0.997))
    assert loud(case, "DAT114") == []


def test_flips_and_crops_keep_the_variance():
    case = drowned_in_noise()
    inputs = replace(case.batch.inputs, scale_ratio=0.97)
    assert loud(replace(case, batch=replace(case.batch, inputs=inputs)), "DAT115") == []
    assert loud(with_rows(case, noise=0.4), "DAT115") == []


def test_drowned_inputs_hide_that_targets_belong_to_them():
    case = drowned_in_noise()
    case = labelled(case, likeness=0.1, chance=0.1, z=0.3)
    case = replace(case, one_batch=OneBatchFacts(16, 200, 2.3, (), 0.0, passed=True))
    assert judge(case).findings[0].code == "DAT115"


def test_outliers_that_weigh_little_or_under_a_robust_loss_are_no_fault():
    case = error_codes_among_targets()
    assert loud(with_rows(case, extreme_weight=0.3), "DAT116") == []
    single = with_rows(case, extreme_repeats=1)
    assert [f.level for f in loud(single, "DAT116")] == [Level.WARNING]
    robust = replace(single, recipe=replace(single.recipe, loss_kind="huber"))
    assert loud(robust, "DAT116") == []


def test_tables_of_categories_contradict_each_other_by_nature():
    case = pixels_lost()
    inputs = replace(case.batch.inputs, kind="real", constant_channels=40)
    table = replace(case, batch=replace(case.batch, inputs=inputs))
    assert len(loud(table, "DAT117")) == 1
    assert loud(with_rows(table, coded=True), "DAT117") == []
    assert loud(with_rows(table, elements=9), "DAT117") == []
    assert loud(with_rows(case, ceiling=0.9), "DAT117") == []
    assert loud(with_rows(case, repeated=0.1), "DAT117") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"order_chance": 0.0},
        {"order_chance": 0.6, "whole": 3},
        {"order_chance": 0.6, "pairs": 12},
        {"order_chance": 0.6, "likeness": 0.1},
        {"whole": None},
    ],
    ids=["counts", "three classes", "few pairs", "noise", "fractions"],
)
def test_whole_numbers_that_may_be_an_order_are_left_alone(fields):
    case = names_as_numbers()
    assert len(loud(case, "DAT118")) == 1
    assert loud(labelled(case, **fields), "DAT118") == []


def test_renumbered_classes_say_which():
    finding = RULES["DAT110"].check(classes_renumbered())
    (found,) = list(finding)
    assert "0 is 1" in found.title
    assert "shifted by +1" in found.explanation


# --- DAT106 ---------------------------------------------------------------------------------
def test_targets_of_other_validation_rows_are_told_from_other_inputs():
    case = staying_behind(split_digits(confusion={(0, 1): 30}, agreement=0.1, agreement_z=0.3))
    predictions = replace(case.predictions, recalls=dict.fromkeys(range(10), 0.1))
    case = replace(case, predictions=predictions)
    assert len(loud(case, "DAT106")) == 1
    inputs = replace(case.batch.inputs, shift=2.0)
    shifted = replace(case, batch=replace(case.batch, inputs=inputs))
    assert loud(shifted, "DAT106") == []


def test_neighbours_that_always_have_another_class_know_the_inputs():
    case = labelled(staying_behind(digits_mlp()), likeness=0.01, chance=0.1, z=-20.0)
    assert loud(case, "DAT106") == []


def test_columns_that_tell_missing_classes_are_no_leak():
    """In a part without some classes no column can be told by them."""
    leaks, missing = leaking_columns().batch.parts, class_not_trained()
    parts = replace(
        missing.batch.parts,
        leaks=leaks.leaks, leak_train=leaks.leak_train, leak_validation=leaks.leak_validation,
    )  # fmt: skip
    case = replace(missing, batch=replace(missing.batch, parts=parts))
    first = judge(case).findings[0]
    assert first.code == "DAT109"
    assert "DAT112" in [f.code for f in first.consequences]


# --- DAT119 ---------------------------------------------------------------------------------
def test_a_half_that_knows_the_other_half_and_not_validation_is_told_from_overfitting():
    findings = judge(halved(0.85, 0.1)).findings
    assert [f.code for f in findings] == ["DAT119"]
    assert findings[0].level is Level.ERROR
    assert "CRV103" in [f.code for f in findings[0].consequences]
    assert findings[0].title.endswith(": 0% is known, of training rows 83%")


@pytest.mark.parametrize(
    ("known", "validation"), [(0.12, 0.1), (0.4, 0.35), (0.6, 0.45), (0.3, 0.1), (0.95, 0.9)]
)
def test_overfitting_that_forgets_both_alike_stays_overfitting(known, validation):
    case = halved(known, validation)
    assert loud(case, "DAT119") == []
    assert judge(case).findings[0].code == "CRV103"


def test_few_rows_may_differ_by_chance():
    assert len(loud(halved(0.5, 0.2), "DAT119")) == 1
    assert loud(halved(0.5, 0.2, rows=40), "DAT119") == []


def test_without_a_relation_within_validation_the_targets_may_be_at_fault_as_well():
    (found,) = loud(halved(0.85, 0.1, within=0.0), "DAT119")
    assert found.level is Level.WARNING
    assert "do not belong together" in found.explanation
    (told,) = loud(halved(0.85, 0.1), "DAT119")
    assert "do belong together" in told.explanation


def test_numbers_are_compared_by_their_ranks():
    case = staying_behind(split_table())
    for known, other, rows, said in (
        (0.9, 0.2, 300, 1),
        (0.9, -0.6, 300, 1),
        (0.9, 0.8, 300, 0),  # a heavy tail alone keeps the loss behind
        (0.4, 0.1, 300, 0),
        (0.7, 0.3, 30, 0),
    ):
        halves = HalfTrialFacts(rows, 300, known, other)
        assert len(loud(replace(case, halves=halves), "DAT119")) == said


def test_validation_that_keeps_up_needs_no_trial():
    case = split_digits()
    known = replace(case, halves=halved(0.85, 0.1).halves)
    assert loud(known, "DAT119") == []
    assert loud(replace(halved(0.85, 0.1), halves=None), "DAT119") == []


def test_a_renumbering_must_set_the_answers_right():
    """Two of ten classes that happen to be another one, while the rest is confused."""
    chance = {((k + j) % 10, k): 6 for k in range(10) for j in range(1, 6)}
    moved = {**chance, (2, 3): 28, (3, 2): 28}
    moved = {
        pair: n for pair, n in moved.items() if pair in {(2, 3), (3, 2)} or pair[0] not in {2, 3}
    }
    assert loud(staying_behind(split_digits(confusion=moved, agreement=0.0)), "DAT110") == []
    right = {**{(k, k): 28 for k in range(10) if k not in {2, 3}}, (2, 3): 28, (3, 2): 28}
    assert len(loud(staying_behind(split_digits(confusion=right, agreement=0.8)), "DAT110")) == 1
