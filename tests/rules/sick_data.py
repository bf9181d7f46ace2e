"""Hand-built Cases of data that is wrong: parts that differ, rows that changed or lost content."""

from dataclasses import replace

from rules.healthy_cases import digits_mlp, evaluations, table_regression
from torchclinic.core import (
    HalfTrialFacts,
    LabelFacts,
    LossFacts,
    PartFacts,
    PredictionFacts,
    RowFacts,
)

TEN = dict.fromkeys(range(10), 100)
RIGHT = {(k, k): 28 for k in range(10)} | {(k, (k + 3) % 10): 2 for k in range(10)}


def with_parts(case, **fields):
    known = case.batch.parts or PartFacts()
    return replace(case, batch=replace(case.batch, parts=replace(known, **fields)))


def with_rows(case, **fields):
    known = case.batch.rows or RowFacts()
    return replace(case, batch=replace(case.batch, rows=replace(known, **fields)))


def staying_behind(case):
    """The validation loss rises while the training loss falls."""
    seen = evaluations([0.9, 0.4, 0.2, 0.1], [2.5, 3.0, 4.0, 5.0], [0.1, 0.1, 0.1, 0.1])
    return replace(case, history=replace(case.history, evaluations=seen))


def split_digits(**fields):
    """Digits whose parts were compared, and agree."""
    known = {
        "train_rows": 1000,
        "validation_rows": 300,
        "train_classes": TEN,
        "validation_classes": dict.fromkeys(range(10), 30),
        "confusion": RIGHT,
        "agreement": 0.93,
        "agreement_own": 0.94,
        "agreement_z": 48.0,
        "columns": 64,
        "joint": 0.9,
        "joint_chance": 0.92,
        "joint_z": 1.0,
        "joint_gap": 0.05,
    }
    return with_parts(digits_mlp(), **{**known, **fields})


def split_table(**fields):
    """A regression whose parts were compared, and agree."""
    case = table_regression()
    labels = LabelFacts(1200, 0.85, 0.0, 25.0)
    known = {
        "train_rows": 1200,
        "validation_rows": 300,
        "agreement_z": 14.0,
        "value_relation": 0.84,
        "value_relation_own": 0.85,
        "value_miss": 0.31,
        "value_miss_own": 0.3,
        "said_distance": 0.05,
        "said_chance": 1.0,
        "target_distance": 0.05,
        "target_chance": 1.0,
        "train_targets": (-2.0, 0.0, 3.0),
        "validation_targets": (-2.0, 0.0, 2.9),
        "outside": 0.0,
        "columns": 13,
    }
    case = replace(case, batch=replace(case.batch, labels=labels))
    return with_parts(case, **{**known, **fields})


def class_not_trained():
    lacking = dict.fromkeys(range(8), 100)
    return staying_behind(split_digits(train_classes=lacking, agreement=0.75))


def classes_renumbered():
    moved = {(k, (k + 1) % 10): 30 for k in range(10)}
    return staying_behind(split_digits(confusion=moved, agreement=0.0, agreement_z=-6.0))


def targets_in_another_unit():
    return staying_behind(
        split_table(
            value_miss=40.0,
            target_distance=0.9,
            target_chance=1e-90,
            validation_targets=(5.0, 60.0, 300.0),
            outside=0.95,
        )
    )


def columns_in_another_order():
    order = tuple((k + 7) % 64 for k in range(64))
    return staying_behind(
        split_digits(
            joint=0.05,
            joint_z=30.0,
            joint_gap=0.4,
            agreement=0.2,
            order=order,
            order_joint=0.9,
            order_agreement=0.92,
        )
    )


def leaking_columns():
    leaks = {"leaks": (54, 55), "leak_train": 0.99, "leak_validation": 0.1, "leak_outside": 0.0}
    return staying_behind(split_digits(**leaks))


def class_of_weight_zero():
    case = split_digits()
    rows = dict.fromkeys(range(10), 51)
    case = replace(case, batch=replace(case.batch, loss=LossFacts(rows=rows, silent={3: 51})))
    recalls = {**case.predictions.recalls, 3: 0.0}
    return replace(case, predictions=replace(case.predictions, recalls=recalls))


def class_never_answered():
    """Nothing is known of the loss, and still class 3 is never answered."""
    case = class_of_weight_zero()
    return replace(case, batch=replace(case.batch, loss=None))


def rows_changed_in_place():
    return with_rows(digits_mlp(), rows=1000, reread=24, sizes=(1.0, 0.25, 0.0625, 0.0156))


def drowned_in_noise():
    case = with_rows(digits_mlp(), reread=24, noise=0.97, noise_std=3.0, validation_std=0.4)
    inputs = replace(case.batch.inputs, scale_ratio=0.13)
    return staying_behind(replace(case, batch=replace(case.batch, inputs=inputs)))


def error_codes_among_targets():
    case = with_rows(
        table_regression(),
        extreme=9999.0,
        extreme_rows=12,
        extreme_share=0.01,
        extreme_repeats=12,
        extreme_weight=0.99,
        bulk=(-2.0, 3.0),
    )
    return staying_behind(case)


def pixels_lost():
    case = digits_mlp()
    inputs = replace(case.batch.inputs, kind="image")
    return with_rows(
        replace(case, batch=replace(case.batch, inputs=inputs)),
        rows=1200,
        distinct=300,
        commonest=0.2,
        repeated=0.8,
        elements=784,
        values=2,
        ceiling=0.5,
        ceiling_base=0.11,
    )


def names_as_numbers():
    case = split_table()
    labels = LabelFacts(1000, 0.95, 0.0, 30.0, whole=10, order_chance=0.6, pairs=300)
    return replace(case, batch=replace(case.batch, labels=labels))


def halved(known, validation, *, within=0.6, rows=400):
    """What half of the training knows of its other half, and what all of it knows of validation."""
    case = staying_behind(split_digits())
    case = replace(case, batch=replace(case.batch, labels=None))  # as of texts: no neighbours
    theirs = answering(validation, 300)
    halves = HalfTrialFacts(rows, 300, None, None, answering(known, rows), within, 10 * within)
    return replace(case, predictions=theirs, halves=halves)


def answering(recall, rows):
    """Ten classes, each recognised in the same share of its rows."""
    count = rows // 10
    right = round(recall * count)
    confusion = {(k, k): right for k in range(10)}
    for k in range(10):  # the others are taken for all other classes in turn
        for row in range(count - right):
            said = (k + 1 + row % 9) % 10
            confusion[said, k] = confusion.get((said, k), 0) + 1
    rows_of = dict.fromkeys(range(10), count)
    return PredictionFacts(
        10 * count, rows_of, rows_of, dict.fromkeys(range(10), right / count), confusion
    )


def validation_that_stands_for_something_else():
    return halved(0.85, 0.1)


SICK_DATA = {
    "DAT109": class_not_trained,
    "DAT110": classes_renumbered,
    "DAT111": columns_in_another_order,
    "DAT112": leaking_columns,
    "DAT113": class_of_weight_zero,
    "DAT114": rows_changed_in_place,
    "DAT115": drowned_in_noise,
    "DAT116": error_codes_among_targets,
    "DAT117": pixels_lost,
    "DAT118": names_as_numbers,
    "DAT119": validation_that_stands_for_something_else,
}
