"""INI108: embedding vectors that are larger than what reads them is made for."""

from __future__ import annotations

from collections.abc import Iterable

from torchclinic.core.facts import Case
from torchclinic.core.finding import Evidence, Finding, Level, Stage
from torchclinic.rules import thresholds as t
from torchclinic.rules.consequences import LEARNING_CURVES
from torchclinic.rules.evidence import above, learning_evidence
from torchclinic.rules.grading import confidence, state_of
from torchclinic.rules.rule import Rule, register
from torchclinic.rules.start import (
    LargeEmbedding,
    follows,
    large_embeddings,
    level_of_start,
    proof,
    told,
    too_sure,
)
from torchclinic.rules.wording import called, number, percent, short


@register
class LargeEmbeddingVectors(Rule):
    """Embedding vectors start far larger than the layers behind them expect.

    ## What it does
    Looks at the size of embedding vectors as the next layer reads them. It fires where it is above
    5 and does harm before training: most gates of a GRU or LSTM lie where they are flat, most
    queries of an attention layer give all weight to one key, or the untrained loss is more than
    twice that of guessing. Where the training learns little, it is made once more with vectors of
    size 1.

    ## Why is this bad?
    Layers are initialised for inputs of size 1. Vectors of size 30 drive sigmoids and tanhs to
    where their slope is 0, and a softmax over keys to a choice of one: no gradient tells them what
    to change. And a step that suits the other weights hardly moves vectors of that size.

    ## Known problems
    A norm right behind the embedding takes the size away; then nothing is flat and nothing is said.

    ## Example
    `nn.init.normal_(embedding.weight, std=30.0)`

    ## Use instead
    `nn.init.normal_(embedding.weight, std=1.0)  # nn.Embedding's own start`

    ## References
    Vaswani et al. 2017, arXiv 1706.03762, section 3.2.1 (large dot products saturate a softmax);
    Gers et al. 2000 (saturated gates); Glorot & Bengio 2010.
    """

    code = "INI108"
    name = "large-embedding"
    levels = (Level.ERROR, Level.WARNING, Level.INFO)
    stage = Stage.INITIALISATION
    needs = frozenset({"batch", "recipe"})
    explains = (
        *("INI102", "INI103", "INI104", "INI105", "LOS105", "GRD101", "GRD102", "GRD103"),
        *("NUM101", "ACT101", "LRN101", "LRN102", "CRV103", *LEARNING_CURVES),
    )
    remedies = ("reinitialise",)

    def check(self, case: Case) -> Iterable[Finding]:
        """One finding for the largest embedding."""
        large = large_embeddings(case)
        if not large:
            return
        worst, state = max(large, key=lambda found: found.rms), state_of(case)
        signs = tuple(_signs(case, worst))
        yield self.finding(
            level_of_start(case, len(signs)),
            f"vectors of {short(worst.name)} are too large: {number(worst.rms)} in size",
            f"The vectors of {called(worst.name)} have a size (root mean square) of "
            f"{number(worst.rms)} where they are read, and the layers behind them are made for "
            f"about 1. {' '.join(_harm(worst))}{told(case)}",
            (*signs, *proof(case), *learning_evidence(state)),
            layers=[found.name for found in large],
            confidence=confidence(worst.rms, t.EMBEDDING_LARGE, len(signs)) + 0.2,
            explains=follows(case, self.explains),
        )


def _signs(case: Case, found: LargeEmbedding) -> Iterable[Evidence]:
    yield above("size of the vectors", found.rms, t.EMBEDDING_LARGE, layer=found.name)
    for layer in found.gates[:1]:
        yield above("share of flat gates", layer.saturated or 0.0, t.SATURATED, layer=layer.name)
    for look in found.looks[:1]:
        yield above("share of queries that see one key", look.sharp, t.SHARP, layer=look.name)
    yield from too_sure(case)


def _harm(found: LargeEmbedding) -> Iterable[str]:
    for layer in found.gates[:1]:
        yield (
            f"Before training {percent(layer.saturated or 0.0)} of the gates of "
            f"{called(layer.name)} lie where their function is flat."
        )
    for look in found.looks[:1]:
        yield (
            f"Before training {percent(look.sharp)} of the queries of {called(look.name)} give "
            "nearly all of their weight to one key."
        )
    if found.sure:
        yield "The untrained model is sure of random answers."
