"""What is known of inputs, targets, rows and the parts of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class InputFacts:
    """The inputs, over a sample of at least 512 rows where there are so many.

    Statistics are those of the whole tensor and of its channels (features of a table, channels of
    an image). Integer inputs (token numbers) have `kind="tokens"` and no statistics. Where the
    model begins with a `torchclinic.nn.Standardise`, they are the inputs behind that layer.
    """

    kind: Literal["real", "image", "sequence", "tokens", "other"]
    shape: tuple[int, ...] = ()
    rows: int = 0
    mean: float | None = None
    std: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    channel_means: tuple[float, ...] = ()
    channel_stds: tuple[float, ...] = ()
    constant_channels: int = 0
    nonfinite: int = 0
    # largest |mean_val - mean_train| / std_train over channels where it is beyond chance, else 0
    shift: float | None = None
    scale_ratio: float | None = None  # validation std / train std of the whole tensor


@dataclass(frozen=True)
class TargetFacts:
    """The targets, over the same sample.

    Attributes:
        off_one: Share of the rows (of pixels, where the second dimension is that of the classes)
            of several values in [0, 1] whose sum is not 1; None for other targets.
    """

    kind: Literal["classes", "binary", "real", "one-hot", "none"]
    shape: tuple[int, ...] = ()
    dtype: str = ""
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    class_counts: Mapping[int, int] = field(default_factory=dict[int, int])
    nonfinite: int = 0
    off_one: float | None = None


@dataclass(frozen=True)
class LabelFacts:
    """How the targets stand to the inputs, and in which order they come.

    Attributes:
        rows: Rows that were compared.
        likeness: How far rows with similar inputs have the same target: the share of equal labels
            among the nearest neighbours, or the correlation with their mean for numbers. None
            where inputs have no distance (token numbers) or rows are too few.
        chance: What the same rows give with their targets shuffled.
        z: (likeness - chance) in standard deviations of shuffled targets.
        mixing: Entropy of the labels within a batch as it is delivered, over that of a batch
            drawn at random; near 0 where classes come one after the other. None unless the
            targets are classes and several batches make an epoch.
        whole: Different values of the targets, where all are whole numbers; None otherwise.
        order_chance: Share of the ways to number the classes anew in which unequal neighbours
            would have numbers as near to each other: near 0 where the numbers are an order
            (counts, grades), anything where they are names. None unless `whole`.
        pairs: Pairs of unequal neighbours that this is read from.
    """

    rows: int = 0
    likeness: float | None = None
    chance: float | None = None
    z: float | None = None
    mixing: float | None = None
    whole: int | None = None
    order_chance: float | None = None
    pairs: int = 0


@dataclass(frozen=True)
class PartFacts:
    """How training and validation part stand to each other.

    A row's neighbours are the five training rows with the most similar inputs, over features of
    unit variance in the training part. Nothing is asked of neighbours where inputs have no
    distance (token numbers).

    Attributes:
        train_rows: Training rows that were looked at.
        validation_rows: Validation rows that were looked at.
        train_classes: Class -> its training rows among them; {} unless each row has one class and
            the rows looked at are all rows, or spread over them.
        validation_classes: The same of the validation part.
        confusion: (class that most of the neighbours have, class of the validation row) -> rows.
        agreement: Share of validation rows whose class is that of their neighbours.
        agreement_own: The same share of training rows and their neighbours in the training part.
        agreement_z: `agreement` above chance, in standard deviations; of the rank correlation where
            targets are numbers.
        value_relation: Rank correlation of validation targets with the mean of their neighbours'.
        value_relation_own: The same of training targets and their neighbours.
        value_miss: Median distance of a validation target from the mean of its neighbours'.
        value_miss_own: The same of training targets and their neighbours in the training part.
        said_distance: Kolmogorov-Smirnov distance of what neighbours say of validation rows from
            what they say of training rows: small where the inputs are alike.
        said_chance: Bound on the probability of such a distance by chance.
        target_distance: Kolmogorov-Smirnov distance of the targets' distributions.
        target_chance: Bound on the probability of such a distance by chance.
        train_targets: (smallest, mean, largest) of the training targets, where they are numbers.
        validation_targets: The same of the validation targets.
        outside: Share of the validation targets outside the range of the training targets.
        columns: Input columns that were compared.
        joint: Correlation, over all pairs of columns, of how the pair correlates in training and
            in validation: near 1 where columns hang together alike in both.
        joint_chance: The same for parts drawn at random from the rows of both.
        joint_z: (joint_chance - joint) in standard deviations of such draws.
        joint_gap: Mean over all pairs of columns of the difference of their correlations in
            training and in validation.
        order: For each validation column the training column that it looks like, where another
            order of the columns makes the parts alike; () otherwise.
        order_joint: `joint` after the columns are put into that order.
        order_agreement: `agreement` (or `value_relation`) after it, None if not known.
        repair: What makes validation pictures like those of training, in words ("flipped upside
            down", "times 255"), where neighbours then know their classes; "" otherwise.
        repair_agreement: `agreement` after it.
        words: Correlation of how often each token number occurs in training and in validation.
        words_chance: The same for parts drawn at random from the rows of both.
        words_z: (words_chance - words) in standard deviations of such draws.
        words_sorted: The same correlation of the sorted frequencies, whatever the numbers.
        filler: The commonest token number, which fills up short rows.
        filler_place: Position at which its share differs most between the parts.
        filler_shares: Its shares there, in training and in validation.
        filler_z: Their difference in standard deviations of chance.
        leaks: Columns that nearly determine the target in training and not in validation.
        leak_train: Share of the target's variance that the first of them explains in training.
        leak_validation: The same in validation.
        leak_outside: Share of its validation values outside the range of its training values.
    """

    train_rows: int = 0
    validation_rows: int = 0
    train_classes: Mapping[int, int] = field(default_factory=dict[int, int])
    validation_classes: Mapping[int, int] = field(default_factory=dict[int, int])
    confusion: Mapping[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    agreement: float | None = None
    agreement_own: float | None = None
    agreement_z: float | None = None
    value_relation: float | None = None
    value_relation_own: float | None = None
    value_miss: float | None = None
    value_miss_own: float | None = None
    said_distance: float | None = None
    said_chance: float | None = None
    target_distance: float | None = None
    target_chance: float | None = None
    train_targets: tuple[float, float, float] | None = None
    validation_targets: tuple[float, float, float] | None = None
    outside: float | None = None
    columns: int = 0
    joint: float | None = None
    joint_chance: float | None = None
    joint_z: float | None = None
    joint_gap: float | None = None
    order: tuple[int, ...] = ()
    order_joint: float | None = None
    order_agreement: float | None = None
    repair: str = ""
    repair_agreement: float | None = None
    words: float | None = None
    words_chance: float | None = None
    words_z: float | None = None
    words_sorted: float | None = None
    filler: int | None = None
    filler_place: int | None = None
    filler_shares: tuple[float, float] | None = None
    filler_z: float | None = None
    leaks: tuple[int, ...] = ()
    leak_train: float | None = None
    leak_validation: float | None = None
    leak_outside: float | None = None


@dataclass(frozen=True)
class RowFacts:
    """What the training rows are like, one by one.

    Attributes:
        rows: Rows that were compared with each other.
        distinct: Different inputs among them.
        commonest: Share of the rows that have the commonest input.
        repeated: Share of the rows whose input another row has, too.
        elements: Numbers in the input of a row.
        values: Different numbers in all of them.
        coded: Whether the numbers of a row have the same sum in every row, as one-hot columns do.
        ceiling: Largest accuracy on these rows of any function of the inputs, as rows with one
            input and different classes cannot all be right; None unless targets are classes.
        ceiling_base: Share of the commonest class.
        reread: Rows of a Dataset that were read several times.
        sizes: Root mean square of these rows at each reading, where nothing but the number of
            readings changed and every row changed in the same direction; () otherwise.
        noise: Variance that changes from reading to reading over the variance of a reading; None
            where rows cannot be read again.
        noise_std: Standard deviation of what changes from reading to reading.
        validation_std: Standard deviation of the validation inputs.
        extreme: The isolated target value that stands for all of them, None without any.
        extreme_rows: Rows whose target lies that far out.
        extreme_share: The same over all rows.
        extreme_repeats: Rows that have exactly the commonest of these values.
        extreme_weight: Share of the squared deviations from the mean that these rows make up.
        bulk: (smallest, largest) of the other targets.
    """

    rows: int = 0
    distinct: int = 0
    commonest: float = 0.0
    repeated: float = 0.0
    elements: int = 0
    values: int = 0
    coded: bool = False
    ceiling: float | None = None
    ceiling_base: float | None = None
    reread: int = 0
    sizes: tuple[float, ...] = ()
    noise: float | None = None
    noise_std: float | None = None
    validation_std: float | None = None
    extreme: float | None = None
    extreme_rows: int = 0
    extreme_share: float = 0.0
    extreme_repeats: int = 0
    extreme_weight: float = 0.0
    bulk: tuple[float, float] | None = None
