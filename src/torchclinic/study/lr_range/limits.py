"""The numbers by which a range test is run and read.

Those without a source of their own were chosen on 23 small trainings (multi-layer perceptrons with
ReLU, tanh, sigmoid, batch normalisation; a convolutional net; regression; SGD, momentum, Adam,
AdamW; batches of 8 to all rows), each trained in full at 22 rates with 3 seeds:
`benchmarks/lr_range.py` repeats that. All are relative to the starting loss, to the descent, or to
the noise.
"""

STEPS = 150  # rates tried: 19 a decade over the default range
FRESH_RATES = 25  # rates tried with a fresh model each: 3 a decade over the default range
SLOWER = 4  # times the rates of a second test where the first finds neither descent nor blow-up
STOP_FACTOR = 5.0  # a seed stops when its loss passes this many times the start (Smith: 4 to 5)
SMOOTHING_DECADES = 0.16  # decay length of the smoothing, in decades of the learning rate
CONTROL_SMOOTHING = 3.0  # points: how fast the control variate follows the level of the loss

DIVERGED_DESCENT = 0.5  # of the descent is lost again, and the loss has risen by at least
DIVERGED_RISE = 0.2  # of the starting loss, and by
DIVERGED_NOISE = 8.0  # standard deviations of the smoothed curve

FALLS_NOISE = 6.0  # standard deviations that a descent needs; over 150 points noise alone makes 5
FALLS_SHARE = 0.002  # of the starting loss that it needs at least
LEARNS_SHARE = 0.05  # of the starting loss; a smaller descent that nothing ends says nothing
VALLEY_SHARE = 0.2  # of the starting loss; the middle of a shallower descent is not the best rate
VALLEY_EDGE = 0.1  # of the descent: where its middle is measured from and to
