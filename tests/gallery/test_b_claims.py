"""Facts that must come out of the experiments whatever the seeds, on the quickest of them."""

import pytest

from torchclinic.gallery import GALLERY, Settings

QUICK = {
    "bn-gradient": {"BatchNorm's gradient can be derived by hand.": "holds"},
    "bn-moving-average": {
        "The list takes orders of magnitude more memory than the moving average.": "holds",
        "The mean of the whole training set cannot be had without storing all means.": "refuted",
        "The mean of a negative binomial distribution is n p / (1 - p).": "refuted",
    },
}
SLOW = {
    "bn-scale-invariance": {
        "BN((aW)u) = BN(Wu).": "holds",
        "The gradient for the weights becomes 1/a as large.": "holds",
        "A layer before BatchNorm needs no bias: beta takes its place.": "holds",
    },
    "bn-statistics-only": {
        "Normalised inputs fall into the linear region of the sigmoid.": "holds",
    },
    "dropout-inverted": {
        "If we take inverted dropout out of the code, prediction stays unchanged.": "holds",
        "With the other one it does not.": "holds",
    },
    "adam-weight-decay": {
        "In Adam the L2 loss is not taken into account quite correctly.": "holds",
        "AdamW corrects that.": "holds",
    },
    "transfer": {
        "To freeze layers for transfer learning, set requires_grad = False.": "holds",
        "model.eval() automatically makes all requires_grad = False.": "refuted",
    },
    "input-normalisation": {"Normalisation makes the stretched bowl round.": "holds"},
    "bn-convergence": {
        "Without BatchNorm such a net would not have trained at all: the lecture's 3 layers.": (
            "refuted"
        ),
        "Without BatchNorm such a net would not have trained at all: 8 layers.": "holds",
    },
    "all-methods": {
        "In layer normalization each object is normalised by itself (the seminar's code).": (
            "refuted"
        ),
    },
}


def check(name, wanted):
    claims = GALLERY[name].run(Settings(seeds=3, fast=True)).claims
    said = {claim.sentence: claim.judgement.value for claim in claims}
    assert {sentence: said[sentence] for sentence in wanted} == wanted


@pytest.mark.parametrize("name", QUICK)
def test_quick_facts(name):
    check(name, QUICK[name])


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SLOW)
def test_slow_facts(name):
    check(name, SLOW[name])
