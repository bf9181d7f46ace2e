"""Hypothesis strategies for arbitrary valid Cases: any number may be NaN, any series empty."""

from hypothesis import strategies as st

from torchclinic.core import (
    AgreementFacts,
    AttentionFacts,
    BatchFacts,
    Case,
    CollapseFacts,
    CommonestFacts,
    CutFacts,
    EmbeddingFacts,
    Evaluation,
    History,
    InputFacts,
    LabelFacts,
    LayerFacts,
    LayerReadings,
    LossFacts,
    LRRange,
    ModelFacts,
    OneBatchFacts,
    OptimizerFacts,
    OutputFacts,
    PartFacts,
    PredictionFacts,
    RateTrialFacts,
    RecipeFacts,
    RecurrentFacts,
    RegroupFacts,
    RowFacts,
    Series,
    StartFacts,
    TargetFacts,
    Trace,
    TracedLayer,
)
from torchclinic.core.trace import LAYER_STATISTICS, STEP_STATISTICS

NAMES = st.sampled_from(["0", "2", "layers.4", "encoder.layers.11.attention.output.dense_" * 3])
KINDS = st.sampled_from(["Linear", "Conv2d", "BatchNorm1d", "LSTM", "Embedding", "Parameter"])
ACTIVATIONS = st.sampled_from([None, "relu", "sigmoid", "tanh", "softmax", "log_softmax", "gelu"])
wild = st.floats(width=32)
number = st.one_of(st.floats(-10, 10), st.floats(1e-9, 1e9), wild)
maybe = st.one_of(st.none(), number)
share = st.one_of(st.none(), st.floats(0, 1), st.just(float("nan")))
count = st.integers(0, 5)
shape = st.lists(st.integers(0, 600), max_size=3).map(tuple)
numbers = st.lists(number, max_size=6).map(tuple)
names = st.lists(NAMES, max_size=3).map(tuple)


@st.composite
def series(draw):
    steps = sorted(draw(st.sets(st.integers(1, 500), max_size=12)))
    return Series(tuple(steps), tuple(draw(number) for _ in steps))


layers = st.builds(
    LayerFacts,
    name=NAMES,
    kind=KINDS,
    order=count,
    activation=ACTIVATIONS,
    normalised=st.booleans(),
    residual=st.booleans(),
    output=st.booleans(),
    parameters=st.integers(0, 1000),
    trainable=st.booleans(),
    fan_in=st.one_of(st.none(), st.integers(0, 800)),
    fan_out=st.one_of(st.none(), st.integers(0, 800)),
    weight_shape=shape,
    weight_mean=maybe,
    weight_std=maybe,
    duplicated_rows=st.floats(0, 1),
)
models = st.builds(
    ModelFacts,
    layers=st.lists(layers, max_size=5).map(tuple),
    traced=st.booleans(),
    order_known=st.booleans(),
    linear_pairs=st.lists(st.tuples(NAMES, NAMES), max_size=2).map(tuple),
    linearity_residual=maybe,
    output_activation=ACTIVATIONS,
    inner_softmax=names,
    dropout=share,
    parameters=st.integers(0, 1000),
    trainable=st.integers(0, 1000),
)
optimizers = st.builds(
    OptimizerFacts,
    name=st.just("SGD"),
    learning_rates=numbers,
    weight_decay=st.floats(0, 10),
    missing=names,
    foreign=count,
    repeated=names,
)
recipes = st.builds(
    RecipeFacts,
    name=st.just("any"),
    loss=st.just("loss"),
    loss_kind=st.sampled_from(
        ["cross-entropy", "bce-with-logits", "bce", "nll", "mse", "l1", "huber", "hinge", "custom"]
    ),
    task=st.sampled_from(["classification", "binary", "regression", "unknown"]),
    optimizer=optimizers,
    model=models,
    batch_size=st.one_of(st.none(), st.integers(1, 64)),
    train_rows=st.one_of(st.none(), st.integers(0, 5000)),
    validation_rows=st.one_of(st.none(), st.integers(0, 5000)),
    clip_norm=st.one_of(st.none(), st.floats(1e-6, 10)),
    penalties=st.lists(st.just("l2 0.1"), max_size=1).map(tuple),
    early_stopping=st.booleans(),
    averages=st.booleans(),
    first_weights=share,
)
inputs = st.builds(
    InputFacts,
    kind=st.sampled_from(["real", "image", "sequence", "tokens", "other"]),
    shape=shape,
    rows=st.integers(0, 600),
    mean=maybe,
    std=maybe,
    minimum=maybe,
    maximum=maybe,
    channel_means=numbers,
    channel_stds=numbers,
    constant_channels=count,
    nonfinite=count,
    shift=maybe,
    scale_ratio=maybe,
)
targets = st.builds(
    TargetFacts,
    kind=st.sampled_from(["classes", "binary", "real", "one-hot", "none"]),
    shape=shape,
    minimum=maybe,
    maximum=maybe,
    mean=maybe,
    std=maybe,
    class_counts=st.dictionaries(st.integers(-1, 12), st.integers(0, 300), max_size=6),
    nonfinite=count,
)
outputs = st.builds(
    OutputFacts,
    shape=shape,
    minimum=maybe,
    maximum=maybe,
    mean=maybe,
    std=maybe,
    nonfinite=count,
    rows_sum_to_one=st.booleans(),
    in_unit_interval=st.booleans(),
    log_probabilities=st.booleans(),
    varies=st.booleans(),
    broadcasts=st.booleans(),
)
pairs = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(0, 60))
tallies = st.dictionaries(st.integers(0, 6), st.integers(0, 200), max_size=6)
triple = st.one_of(st.none(), st.tuples(number, number, number))
parts = st.builds(
    PartFacts,
    train_rows=st.integers(0, 1500),
    validation_rows=st.integers(0, 600),
    train_classes=tallies,
    validation_classes=tallies,
    confusion=pairs,
    agreement=share,
    agreement_own=share,
    agreement_z=maybe,
    value_relation=maybe,
    value_relation_own=maybe,
    value_miss=maybe,
    value_miss_own=maybe,
    said_distance=share,
    target_distance=share,
    target_chance=share,
    train_targets=triple,
    validation_targets=triple,
    outside=share,
    columns=count,
    joint=maybe,
    joint_chance=share,
    joint_z=maybe,
    joint_gap=share,
    order=st.permutations(range(5)).map(tuple),
    order_joint=maybe,
    order_agreement=share,
    repair=st.sampled_from(["", "", "upside down"]),
    repair_agreement=share,
    words=maybe,
    words_chance=share,
    words_z=maybe,
    filler=st.one_of(st.none(), count),
    filler_place=st.one_of(st.none(), count),
    filler_shares=st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(0, 1))),
    filler_z=maybe,
    leaks=st.lists(count, max_size=3).map(tuple),
    leak_train=share,
    leak_validation=share,
    leak_outside=share,
)
rows = st.builds(
    RowFacts,
    rows=st.integers(0, 1500),
    distinct=st.integers(0, 1500),
    commonest=st.floats(0, 1),
    repeated=st.floats(0, 1),
    elements=st.integers(0, 800),
    values=st.integers(0, 300),
    coded=st.booleans(),
    ceiling=share,
    ceiling_base=share,
    reread=st.integers(0, 24),
    sizes=st.lists(st.one_of(st.floats(0, 10), wild), max_size=4).map(tuple),
    noise=share,
    noise_std=maybe,
    validation_std=maybe,
    extreme=maybe,
    extreme_rows=count,
    extreme_share=st.floats(0, 1),
    extreme_repeats=count,
    extreme_weight=st.floats(0, 1),
    bulk=st.one_of(st.none(), st.tuples(number, number)),
)
label_facts = st.builds(
    LabelFacts,
    rows=st.integers(0, 1500),
    likeness=maybe,
    chance=share,
    z=maybe,
    mixing=share,
    whole=st.one_of(st.none(), st.integers(1, 50)),
    order_chance=share,
    pairs=st.integers(0, 400),
)
losses = st.builds(LossFacts, rows=tallies, silent=tallies, variance=maybe)
predictions = st.builds(
    PredictionFacts,
    rows=st.integers(0, 600),
    counts=st.just({0: 30, 1: 30, 2: 30}),
    predicted=tallies,
    recalls=st.fixed_dictionaries({k: st.floats(0, 1) for k in range(3)}),
    confusion=pairs,
)
readings = st.builds(
    LayerReadings,
    name=NAMES,
    activation_mean=maybe,
    activation_std=maybe,
    saturated_share=share,
    saturated_units=share,
    silent_share=share,
    rows=st.integers(0, 600),
    gradient_norm=maybe,
    gradient_rms=maybe,
    output_gradient_rms=maybe,
    nonfinite=count,
)
few = st.integers(1, 200)
starts = st.builds(
    StartFacts,
    stream=st.lists(number, max_size=30).map(tuple),
    branches=names,
    recurrent=st.lists(
        st.builds(
            RecurrentFacts,
            name=NAMES,
            kind=KINDS,
            steps=few,
            input_rms=number,
            gain=number,
            from_inputs=number,
            from_state=number,
            saturated=share,
            per_step=maybe,
            overflows=st.booleans(),
            fed_by=NAMES,
        ),
        max_size=2,
    ).map(tuple),
    attention=st.lists(
        st.builds(AttentionFacts, name=NAMES, input_rms=number, sharp=number, fed_by=NAMES),
        max_size=2,
    ).map(tuple),
    embeddings=st.lists(st.builds(EmbeddingFacts, name=NAMES, std=number), max_size=2).map(tuple),
)
trials = st.builds(
    RateTrialFacts,
    configured=number,
    rate=number,
    steps=few,
    split=st.sampled_from(["train", "validation"]),
    loss=number,
    tried=number,
)
cuts = st.builds(
    CutFacts,
    positions=st.integers(3, 20),
    kept=st.integers(1, 20),
    blocked=st.lists(st.tuples(st.integers(0, 9), st.integers(10, 19)), max_size=3).map(tuple),
    line=st.sampled_from(["", "net.py:7: h = h.detach()"]),
)
views = st.builds(
    RegroupFacts,
    line=st.just("net.py:7: x = x.view(len(x), 6, 10)"),
    was=shape,
    now=shape,
    rows=st.booleans(),
    merged=st.booleans(),
)
batches = st.builds(
    BatchFacts,
    inputs=inputs,
    targets=targets,
    outputs=st.one_of(st.none(), outputs),
    layers=st.lists(readings, max_size=5).map(tuple),
    initial_loss=maybe,
    expected_loss=maybe,
    floor_loss=number,
    without_gradient=names,
    batch_crosstalk=st.one_of(st.none(), st.booleans()),
    sum_reduction=st.one_of(st.none(), st.booleans()),
    parts=st.one_of(st.none(), parts),
    rows=st.one_of(st.none(), rows),
    labels=st.one_of(st.none(), label_facts),
    loss=st.one_of(st.none(), losses),
    start=st.one_of(st.none(), starts),
    cut=st.one_of(st.none(), cuts),
    regrouped=st.lists(views, max_size=3).map(tuple),
)
one_batches = st.builds(
    OneBatchFacts,
    rows=st.integers(0, 16),
    steps=st.integers(0, 200),
    initial_loss=number,
    best_losses=st.lists(st.tuples(st.just("SGD 0.1"), number), max_size=3).map(tuple),
    best_error=maybe,
    passed=st.booleans(),
)
ranges = st.builds(
    LRRange,
    learning_rates=numbers,
    losses=numbers,
    suggestions=st.dictionaries(st.sampled_from(["valley", "steepest", "minimum/10"]), number),
    divergence=maybe,
    configured=maybe,
)
evaluations = st.builds(
    Evaluation,
    step=st.integers(0, 500),
    split=st.sampled_from(["train", "validation", "test"]),
    loss=number,
    metric=maybe,
)
curves = st.one_of(numbers, st.lists(st.floats(0, 10), min_size=20, max_size=60).map(tuple))
histories = st.builds(
    History,
    losses=curves,
    learning_rates=curves,
    gradient_norms=curves,
    evaluations=st.lists(evaluations, max_size=12).map(tuple),
    metric=st.sampled_from([None, "accuracy", "r2", "mse"]),
    higher_is_better=st.booleans(),
    steps_per_epoch=st.one_of(st.none(), st.integers(1, 50)),
    planned_steps=st.one_of(st.none(), st.integers(1, 500)),
    ending=st.sampled_from(["budget", "early-stopping", "diverged", "interrupted"]),
    best_step=st.one_of(st.none(), st.integers(1, 50)),
)
traced_layers = st.builds(
    TracedLayer,
    name=NAMES,
    kind=KINDS,
    order=count,
    activation=ACTIVATIONS,
    weighted=st.booleans(),
    series=st.dictionaries(st.sampled_from(LAYER_STATISTICS), series(), max_size=12),
)
traces = st.builds(
    Trace,
    layers=st.lists(traced_layers, max_size=5).map(tuple),
    steps=st.dictionaries(st.sampled_from(STEP_STATISTICS), series(), max_size=3),
)
asked = st.one_of(st.just(()), st.tuples(number, number, number))
agreements = st.builds(
    AgreementFacts,
    wanted=st.sampled_from(["classes", "shares", "values", "labels"]),
    elements=st.integers(1, 20),
    before=st.floats(-1, 1),
    after=st.floats(-1, 1),
    own=st.tuples(number, number, number),
    others=st.tuples(number, number, number),
    against=st.tuples(number, number, number),
)
collapses = st.builds(CollapseFacts, number, number, number, number, asked)
cases = st.builds(
    Case,
    recipe=st.one_of(st.none(), recipes),
    batch=st.one_of(st.none(), batches),
    one_batch=st.one_of(st.none(), one_batches),
    lr_range=st.one_of(st.none(), ranges),
    history=st.one_of(st.none(), histories),
    trace=st.one_of(st.none(), traces),
    predictions=st.one_of(st.none(), predictions),
    longer=st.one_of(st.none(), trials),
    restarted=st.one_of(st.none(), trials),
    agreement=st.one_of(st.none(), agreements),
    collapse=st.one_of(st.none(), collapses),
    commonest=st.one_of(st.none(), st.builds(CommonestFacts, number, number, number)),
)
