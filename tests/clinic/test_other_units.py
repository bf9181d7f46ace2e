"""A part of the data in another unit is told of, whatever the loss makes of it."""

import pytest

from corpus import tasks
from corpus.healthy import images, tables
from torchclinic import diagnose
from torchclinic.core import Level


def spoiled(recipe, factor):
    data = tasks.with_validation(recipe.splits)
    data = tasks.changed(data, lambda x: x * factor, parts=("validation", "test"))
    return recipe.replace(data=data)


@pytest.mark.parametrize(
    ("base", "factor"),
    [
        (images.digits_unit_range_sgd, 255.0),  # 0..1 and 0..255
        (images.digits_logistic_regression, 0.02),  # ranks of scores stay, and so does accuracy
        (tables.breast_cancer_bce, 1000.0),  # metres and millimetres
    ],
)
def test_validation_in_another_unit_is_named_first(base, factor):
    first = diagnose(spoiled(base(), factor)).findings[0]
    assert first.code == "DAT105"
    assert first.level in {Level.WARNING, Level.ERROR}
