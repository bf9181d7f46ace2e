"""Every number that decides a finding, in one place, with its source.

"here" in a source means: calibrated on this project's own healthy and faulty trainings. Where a
published threshold is given beside it, the note says why it was changed. The words for how a
training goes (stuck, weak, good) have their limits in `torchclinic.functional.progress`.
"""

from __future__ import annotations

from torchclinic.functional.progress import LearningLimits


class Threshold(float):
    """A number that decides something.

    Attributes:
        source: Paper, tool, or "here".
        note: How it was calibrated, or why it differs from the source.
    """

    source: str
    note: str

    def __new__(cls, value: float, source: str, note: str = "") -> Threshold:
        """A float that knows where it comes from."""
        self = super().__new__(cls, value)
        self.source = source
        self.note = note
        return self


LEARNING = LearningLimits()
WANTING = Threshold(
    0.95, "here", "share removed below which a training that learns may still be worth a warning"
)
WANTING_UNSEEN = Threshold(0.2, "here", "the same of the validation loss")

# --- data -----------------------------------------------------------------------------------
INPUT_LARGE = Threshold(
    10.0,
    "here; LeCun et al. 1998, 'Efficient BackProp', section 4.3",
    "RMS of the largest channel. SageMaker Debugger's mean > 0.2 and UMLAUT's range [-1, 1] fire "
    "on images in [0, 1], which train well.",
)
INPUT_TINY = Threshold(0.02, "here", "RMS of the largest channel; images divided by 255 twice")
INPUT_OFFSET = Threshold(8.0, "here", "|mean| over standard deviation, for means above 2")
FIRST_PREACTIVATION = Threshold(
    5.0, "TheDeepChecker (Ben Braiek & Khomh 2023): healthy in [0.5, 2]", "widened by 2.5"
)
CHANNEL_SPREAD = Threshold(30.0, "here", "largest channel RMS over the median channel's")
CONSTANT_CHANNELS = Threshold(0.5, "here", "image borders are constant in healthy data")
TARGET_LARGE = Threshold(10.0, "here", "|mean| or standard deviation of regression targets")
TARGET_TINY = Threshold(0.01, "here", "standard deviation of regression targets")
TARGET_HUGE = Threshold(100.0, "here", "the same, beyond doubt")
TARGET_REACH = Threshold(0.1, "here", "RMS of the untrained outputs over that of the targets")
SHIFT = Threshold(0.5, "here", "in training standard deviations, sampling noise is added on top")
SCALE_RATIO = Threshold(2.0, "here", "and its reciprocal")
SCALE_OTHER_UNIT = Threshold(
    10.0, "here", "and its reciprocal: no sampling gives two parts of one data set such scales"
)
SHIFT_IMPACT = Threshold(0.25, "here", "share of the loss removed: train minus validation")
TARGET_GAP = Threshold(0.01, "here", "share of the targets' spread that may lie out of range")

LABEL_ROWS = Threshold(100, "here", "rows from which neighbours are asked")
LABEL_LIKENESS = Threshold(
    3.0, "here; three standard errors", "likeness above chance, in deviations of shuffled targets"
)
LABEL_TOGETHER = Threshold(
    2.0, "Stouffer 1949", "the same in training and of validation rows in training, together"
)
LABEL_UNSEEN = Threshold(
    0.03, "here", "share of the constant's loss removed on validation rows; 0.5 / sqrt(rows) on top"
)
LABEL_SKILL = Threshold(0.2, "here", "rescaled accuracy on validation rows that chance cannot give")
LABEL_MEMORY = Threshold(0.25, "here", "the same on training rows, which are learnt by heart")
MIXING = Threshold(0.5, "here", "entropy of labels within batches over that of random batches")
IMBALANCE = Threshold(10.0, "SageMaker Debugger", "rows of the largest class over the smallest")
MINORITY_RECALL = Threshold(
    0.2, "here; SageMaker Debugger: class error 0.7", "share of a class's rows recognised"
)
MINORITY_ROWS = Threshold(5, "here", "validation rows of a class from which its recall counts")

# --- data: parts and rows -------------------------------------------------------------------
SPLIT_CHANCE = Threshold(
    1e-4,
    "Fisher 1935 (hypergeometric); Bonferroni",
    "probability that a random split leaves a class out, times the number of classes",
)
ABSENT = Threshold(0.02, "here", "share of a part's rows whose class the other part lacks")
ABSENT_CLEAR = Threshold(0.2, "here", "the same, beyond doubt")
OUTSIDE = Threshold(0.3, "here", "share of validation targets outside the range of training")
RECODED = Threshold(0.6, "here", "share of a class's rows that are another one in validation")
RECODED_KEPT = Threshold(0.2, "here", "share of them that keep their class")
RECODED_Z = Threshold(4.0, "here; McNemar 1947", "rows that moved against rows that stayed")
RECODED_RIGHT = Threshold(
    0.5, "here", "share of all rows that are right once classes are renumbered"
)
NEIGHBOURS_OWN = Threshold(
    0.5, "here", "rescaled knowledge of neighbours in training, for them to be asked elsewhere"
)
FOREIGN_SKILL = Threshold(
    0.6, "here", "rescaled knowledge of validation rows below which half a training is tried"
)
FOREIGN_KNOWN = Threshold(0.3, "here", "what half of the training rows teaches of the other half")
FOREIGN_LEFT = Threshold(0.4, "here", "of that, what all rows teach of validation")
FOREIGN_NOTHING = Threshold(0.15, "here", "the same, where as good as nothing is left")
FOREIGN_Z = Threshold(4.0, "here", "their difference in deviations of chance")
FOREIGN_WITHIN = Threshold(
    3.0, "here; three standard errors", "what a plain model learns of validation from validation"
)
NEIGHBOURS_LOST = Threshold(0.25, "here", "of that, what is left of it in validation")
TARGET_DISTANCE = Threshold(0.3, "here; Smirnov 1948", "distance of the targets' distributions")
TARGET_CHANCE = Threshold(1e-8, "here; Wei & Dudley 2012", "its probability by chance, at most")
TARGET_MISS = Threshold(3.0, "here", "neighbours' error in validation over that in training")
TARGET_MISSED = Threshold(1.5, "here", "the same, where the validation loss stays behind")
JOINT = Threshold(0.5, "here", "likeness of correlations over that of random parts")
JOINT_KNOWN = Threshold(0.4, "here", "likeness of random parts, for columns to hang together")
JOINT_Z = Threshold(6.0, "here; Jennrich 1970", "deviations of random parts")
JOINT_GAP = Threshold(0.15, "here", "mean difference of correlations; at most 0.14 by chance")
JOINT_NOISE = Threshold(0.02, "here", "share of variance that augmentation draws anew")
ORDER_FITS = Threshold(0.8, "here", "likeness after reordering, over that of random parts")
ORDER_GAIN = Threshold(0.15, "here", "what neighbours know more after reordering")
WORDS = Threshold(
    0.3, "here", "the same of frequencies of words; 0.37 where a third of them drift with time"
)
FILLER = Threshold(0.3, "here", "share of rows with the filler at one position, difference")
LEAK = Threshold(0.9, "here; Kaufman et al. 2012", "share of variance that one column explains")
LEAK_OUTSIDE = Threshold(0.5, "here", "share of its values outside the range of training")
ROWS_KEPT = Threshold(0.9, "here", "size of a row at the last reading over the first")
NOISE = Threshold(0.75, "here", "share of the inputs' variance that changes with each reading")
NOISE_SCALE = Threshold(
    0.6, "here", "validation standard deviation over training; flips and crops leave it at 1"
)
EXTREME_WEIGHT = Threshold(0.5, "here", "share of the squared deviations in isolated targets")
EXTREME_CODE = Threshold(3, "here", "rows that share one isolated value, so that it is a code")
CEILING = Threshold(
    0.7, "here", "rescaled accuracy that rows of one input and several classes allow at most"
)
CEILING_ROWS = Threshold(0.2, "here", "share of rows whose input another row has, too")
CEILING_WIDE = Threshold(20, "here", "numbers in a row that few distinct rows do not need")
CEILING_COMMON = Threshold(0.05, "here", "share of the rows that are one and the same picture")
CEILING_CONSTANT = Threshold(0.3, "here", "share of a wide row's columns that are constant")
CEILING_WORDS = Threshold(0.25, "here", "share of an embedding's rows that the data uses")
NAMES_FEWEST = Threshold(
    5, "here", "whole numbers, below which order and names cannot be told apart (4! numberings)"
)
NAMES_MOST = Threshold(30, "here", "whole numbers that may be names")
NAMES_CHANCE = Threshold(0.05, "here", "share of numberings of the classes that are as orderly")
NAMES_PAIRS = Threshold(30, "here", "unequal neighbours from which the order is read")
NAMES_KNOWN = Threshold(0.5, "here", "correlation with neighbours' numbers")
UNTAUGHT_RECALL = Threshold(0.05, "here", "share of a class's validation rows recognised")
UNTAUGHT_OTHERS = Threshold(0.75, "here", "mean of the same over the other classes")
UNTAUGHT_KNOWN = Threshold(0.5, "here", "share of its rows whose neighbours have its class")
UNTAUGHT_ROWS = Threshold(8, "here", "validation rows of a class from which that counts")

# --- loss -----------------------------------------------------------------------------------
INITIAL_LOSS = Threshold(
    1.0,
    "TheDeepChecker (Ben Braiek & Khomh 2023); Karpathy 2019",
    "relative excess over the larger of ln C and the labels' entropy; 0.25 is common in healthy "
    "nets with inputs of unit scale",
)
LABELS_A_ROW = Threshold(0.05, "here", "mean labels a row, minus one: mixed labels sum to 1")
OFF_ONE = Threshold(
    0.1, "here; a few rows without any label do not count", "share of rows that do not sum to 1"
)
OUTPUT_SPREAD = Threshold(3.0, "here", "standard deviation of the outputs over the targets'")
OUT_OF_RANGE = Threshold(0.5, "DeepDiagnosis (Wardat et al. 2022)", "in target standard deviations")
FLIP_MATCH = Threshold(0.5, "here", "relative distance of -loss from the constant's loss")
AGAINST = Threshold(
    0.15, "here; 0.23 to 0.99 where a similarity is minimised", "correlation, its sign reversed"
)
DRIVEN_APART = Threshold(
    0.05, "here", "loss of closeness of rows of one label, over the distance of rows of several"
)
DEARER = Threshold(0.05, "here", "difference of two losses, over the larger")
COMMONEST = Threshold(0.5, "the median's definition", "share of the targets with one value")
ANSWERED_OTHERS = Threshold(
    0.2, "here", "outputs over targets, where these are another value; 0.4 for a squared error"
)
ANSWERED_HALF = Threshold(0.5, "here", "the same, where the training removes little of the loss")
SILENT_ROWS = Threshold(0.02, "here", "share of the rows of which the loss says nothing")
RUNAWAY = Threshold(3.0, "here", "factor by which a negative loss grows in size")

# --- wiring ---------------------------------------------------------------------------------
LINEARITY = Threshold(1e-4, "here", "|f(mean) - mean f| over the scale of f")
UNDERFIT_GAP = Threshold(0.1, "here", "train minus validation, below which neither is learnt")
UNDERFIT_SKILL = Threshold(0.8, "here", "rescaled metric that goes with UNDERFIT")
UNDERFIT = Threshold(0.75, "here", "share removed below which a failed one-batch test matters")
NEIGHBOURS_KNOW = Threshold(
    0.8, "here", "rescaled agreement with neighbours' labels below which rows contradict each other"
)
ONE_BATCH_CLEAR = Threshold(0.25, "here", "error from which the test is beyond doubt")
ONE_BATCH_ERROR = Threshold(0.05, "TheDeepChecker (Ben Braiek & Khomh 2023); Karpathy 2019")

EVALUATION_NOISE = Threshold(
    0.2, "here", "difference of two evaluations over the spread between rows; dropout 0.5: 0.5 to 2"
)

NARROW = Threshold(3, "here", "units of a hidden layer")
TELLING = Threshold(
    8.0,
    "here; of 34 parts of pure noise the highest reaches 4",
    "correlation of a part of the inputs with the targets, in deviations of shuffled targets",
)
TELLING_SHARE = Threshold(0.2, "here", "of what the most telling part tells")
TELLING_MOST = Threshold(0.6, "here", "share of what tells that must be out of reach")
UNREAD = Threshold(1e-7, "here", "change of the outputs, over the largest: rounding in float32")
UNREAD_MOST = Threshold(0.75, "here", "share of the steps that a stuck training never reads")
UNREAD_STEPS = Threshold(4, "here", "steps from which that is no accident")
CUT_STEPS = Threshold(3, "here", "steps that move the outputs and get no gradient, at least")
CUT_KEPT = Threshold(
    3,
    "here; Williams & Peng 1990, doi:10.1162/neco.1990.2.4.490",
    "steps that get one: truncated backpropagation keeps a window of many, a cut at each step one",
)
FORGOTTEN = Threshold(
    1e-3, "here", "change of the untrained outputs by a part, over the largest such change"
)
FORGOTTEN_PLAIN = Threshold(
    1e-5, "here", "the same in a plain RNN, whose gradient fades likewise on its way back"
)
FORGOTTEN_STILL = Threshold(0.05, "here", "the same of the trained outputs")
ERASED = Threshold(1e-5, "here", "untrained outputs between rows, over their size")
SAME_OUTPUT = Threshold(1e-4, "here", "the same of trained outputs")
UNMINDED = Threshold(
    0.3, "here", "trained outputs between rows over untrained ones, where any constant is as good"
)
SAME_CONSTANT = Threshold(
    1e-3, "here", "difference of the losses of constant outputs, over what the training removed"
)
REACHED_CONSTANT = Threshold(
    0.05, "here", "distance of such a loss from that of the trained outputs, over it"
)
COLLAPSED = Threshold(5e-3, "here", "the same, where rows did differ before the training")
FALLEN = Threshold(0.1, "here", "a module's spread between rows after training over before")
MODE_GAP = Threshold(
    0.25,
    "here; TheDeepChecker (Ben Braiek & Khomh 2023): 0.5",
    "loss on training rows, evaluation minus training mode, over the constant's and over the "
    "latter",
)
FEW_IN_MEAN = Threshold(
    5, "Wu & He 2018: errors rise from 16 rows down, steeply below 4", "numbers behind a mean"
)
MOMENTUM_OF_NORM = Threshold(
    0.9, "here", "share of the last batch in running statistics, or of all batches so far"
)

# --- initialisation -------------------------------------------------------------------------
DUPLICATED = Threshold(0.5, "here; NeuraLint f004 (Nikanjam et al. 2021)", "share of equal units")
GAIN_HIGH = Threshold(
    2.0,
    "here; He et al. 2015 (1.41), LeCun (1), torch default (0.58)",
    "std of the weights times the root of fan_in",
)
GAIN_LOW = Threshold(0.2, "here; torch default (0.58)", "with the root of the larger fan")
STREAM_PER_SUM = Threshold(
    1.2,
    "here; He et al. 2015: 1.4 a block with gain 1.41, torch's default 1.03",
    "growth of a residual stream with each sum; branches of one size give 1.1 from the sixth on",
)
STREAM_GROWTH = Threshold(30.0, "here", "the same over all sums; 20 blocks behind norms give 5")
STREAM_SUMS = Threshold(6, "here", "sums from which growth by each can be told from adding")
STATE_PER_STEP = Threshold(
    1.2, "here; Pascanu et al. 2013: above 1 a linear state explodes", "growth of a state a step"
)
STATE_GROWTH = Threshold(1000.0, "here", "the same over all steps that were looked at")
EMBEDDING_LARGE = Threshold(
    5.0, "here; nn.Embedding starts at 1", "size of embedding vectors; 3 leaves gates free"
)
SHARP = Threshold(
    0.5, "here; Vaswani et al. 2017", "share of queries that see one key; 0 with usual weights"
)
DEEP = Threshold(4, "here", "hidden layers from which a gain above 2 alone makes tanh chaotic")
STEPS_LOST = Threshold(0.25, "here", "of the steps, with a loss above twice the constant's")
STD_SPREAD = Threshold(10.0, "SageMaker Debugger; Glorot & Bengio 2010", "largest over smallest")
GRADIENT_LOW = Threshold(
    1e-2,
    "here; AUTOTRAINER (Zhang et al. 2021): 1e-3",
    "gradient RMS, first layer over last; three sigmoid layers at torch's default give 3e-3",
)
GRADIENT_FADED = Threshold(
    5e-2, "here", "the same, where the hidden layers alone also fade; see HIDDEN_FADE"
)
HIDDEN_FADE = Threshold(
    0.36,
    "here; the sigmoid's slope is at most 0.25 (Glorot & Bengio 2010)",
    "factor a hidden layer: Xavier sigmoid 0.25, default sigmoid 0.14, default ReLU 0.41",
)
GRADIENT_HIGH = Threshold(70.0, "AUTOTRAINER (Zhang et al. 2021)", "first layer over last")
SATURATED = Threshold(0.5, "DeepDiagnosis (Wardat et al. 2022)", "share of units or elements")
DEAD_WARN = Threshold(0.4, "here; SageMaker Debugger: 0.1", "narrow inputs leave up to 40 % silent")
DEAD_ERROR = Threshold(0.5, "SageMaker Debugger, TheDeepChecker; Lu et al. 2019")
DEAD_LAYER = Threshold(
    0.9,
    "here",
    "share from which silence is why a training fails: at 0.5 to 0.8 leaky units do no better",
)
LIVE_UNITS = Threshold(3, "here", "units left below which a layer is a bottleneck")
DEAD_ROWS = Threshold(512, "here", "rows on which a unit must be silent, all data if fewer")

# --- numerics -------------------------------------------------------------------------------
AGREEING = Threshold(0.6, "SageMaker Debugger (k of n checks)", "share of readings that agree")
EARLY_UPDATE = Threshold(
    1e-4, "TheDeepChecker (Ben Braiek & Khomh 2023)", "update-to-weight ratio of the first layer"
)
OVERFLOW = Threshold(
    1e6, "here", "size of what an operation is given, from which its NaN is an overflow's"
)
NORM_GROWTH = Threshold(10.0, "here; TheDeepChecker: doubling 5 times", "over its running median")
DEAD_RISE = Threshold(0.2, "here; rulebook 0.1", "rise of the silent share since the start")
UPDATE_LOW = Threshold(1e-4, "TheDeepChecker (Ben Braiek & Khomh 2023); CS231n: about 1e-3")
UPDATE_TINY = Threshold(1e-6, "here")
UPDATE_HIGH = Threshold(0.1, "TheDeepChecker (Ben Braiek & Khomh 2023)")
UPDATE_HUGE = Threshold(1.0, "here", "weights replaced by each step")
PUT_OUT = Threshold(1e-4, "here", "gradient of the first layer over what it was at first")
RATE_LOW = Threshold(
    10.0,
    "here; Smith 2017",
    "suggested over configured rate; at most 4 in healthy trainings that are not yet perfect",
)
MOMENTUM_HIGH = Threshold(0.98, "here", "each gradient then counts 50 times and more")
RATE_KILLED = Threshold(0.01, "here; Karpathy 2019", "rate over its largest, half-way")
TRIAL_GAIN = Threshold(
    0.15,
    "here",
    "share of the constant's loss that the same steps at a larger rate remove more, on validation "
    "rows",
)
TRIAL_GAIN_LEARNT = Threshold(
    0.3, "here", "the same, of a training that learns: below it a better rate is only a hint"
)
TRIAL_RATIO = Threshold(1.5, "here", "validation loss at the configured rate over the larger one's")
WARM_UP_SHARE = Threshold(0.3, "here", "largest rate of the run over the optimizer's own")
SCORES_FLAT = Threshold(
    0.02, "here; torch's default initialisation gives 0.1 to 0.3", "deviation of untrained scores"
)
RATE_HIGH = Threshold(3.0, "here; Smith 2017", "divergence of the range test over configured")
SWING = Threshold(4.0, "here", "swing of block means over what step noise explains")
STILL_BETTER = Threshold(
    0.03, "here", "share of the constant's loss that the last evaluation removed more"
)
STOPPED_SHARE = Threshold(0.6, "here", "of the planned steps, after which stopping is no haste")
UNFINISHED = Threshold(0.15, "here", "share of the loss that one more training would remove")
MAX_NORM_MET = Threshold(0.9, "here", "weight norm over the largest that max_norm allows")
SHRINK = Threshold(0.3, "here", "weight norm at the end over the start")
PENALTY_SHARE = Threshold(
    2.0, "TheDeepChecker (Ben Braiek & Khomh 2023)", "weight decay's pull over the gradient"
)
DROPOUT = Threshold(0.7, "here; UMLAUT: 0.5")
DROPOUT_EXTREME = Threshold(0.9, "here", "a tenth of the units left")
LAGGING = Threshold(
    0.1, "here; Polyak & Juditsky 1992", "share of the first weights in their moving average"
)
LAG_GAP = Threshold(
    0.25, "here", "loss of the averaged weights minus that of the run's own, over the constant's"
)
FROZEN = Threshold(0.3, "here", "share of the weights that are frozen")

# --- curve ----------------------------------------------------------------------------------
PLATEAU_WARN = Threshold(0.25, "here", "share of the constant's loss removed at a plateau")
PLATEAU_VALUES = Threshold(
    0.12, "here", "the same for a regression, whose targets often hold noise that none can predict"
)
PLATEAU_GAP = Threshold(0.05, "here", "train minus validation from which data limit it, not steps")
MANY_STEPS = Threshold(1000, "here", "updates from which a plateau is no matter of patience")
FEW_STEPS = Threshold(150, "here", "updates in all below which a training is simply short")
OVERFIT_RISE = Threshold(0.25, "here; Prechelt 1998 (GL)", "validation loss above its best")
OVERFIT_LOST = Threshold(0.05, "here", "share of the constant's loss that validation gives back")
OVERFIT_LOST_ALONE = Threshold(
    0.15, "here", "the same for a classification without a metric: its loss rises in healthy nets"
)
OVERFIT_METRIC = Threshold(0.02, "here", "rescaled validation metric below its best")
OVERFIT_GAP = Threshold(0.4, "here", "share of the loss removed: train minus validation")
OVERFIT_WIDE = Threshold(0.3, "here", "the same, beyond what a held metric can excuse")
OVERFIT_METRIC_GAP = Threshold(0.15, "here", "rescaled metric: train minus validation")
BELOW_CHANCE = Threshold(
    0.05, "here", "how far below a constant's a rescaled metric lies, more than noise brings"
)
STILL = Threshold(
    0.4, "here", "share of the initial loss removed, at which some answers must have changed"
)
FEW_ROWS_GAP = Threshold(0.2, "here", "what is known of own rows, minus what of validation rows")
FEW_ROWS_GAIN = Threshold(
    0.05,
    "here; Hestness et al. 2017, arXiv 1712.00409",
    "what twice as many rows would teach more, of all there is to know",
)
FEW_ROWS_Z = Threshold(3.0, "here; three standard errors", "what all rows teach more than half")
OVERFIT_EVALUATIONS = Threshold(4, "here", "evaluations without which nothing is said")

UNDERFIT_NEIGHBOURS = Threshold(
    0.25,
    "here; at most 0.15 in healthy trainings",
    "skill of a row's nearest neighbours over that of the model, on unseen rows",
)

NAMES = tuple(name for name, value in list(globals().items()) if isinstance(value, Threshold))
