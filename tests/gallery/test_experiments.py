"""The experiments themselves: the quickest here, all of them in the slow set."""

import math
import re

import pytest

from torchclinic.gallery import GALLERY, Judgement, Settings, run_experiment

QUICK = ("matrix-products", "optimizer-formulas", "saturation-map", "slope-bound")
# What must come out whatever the seeds: exact facts and the lectures' slips.
KNOWN = {
    "slope-bound": {"The largest value of the sigmoid's derivative is 1/4.": "holds"},
    "matrix-products": {"Weights divided by sqrt(fan_in) correct it.": "holds"},
    "variance-by-depth": {
        "Xavier: W from U[-sqrt(6) / (n_i + n_{i+1}), sqrt(6) / (n_i + n_{i+1})].": "refuted",
        "He for the gradient: standard deviation sqrt(2 / (n_i + 1)).": "refuted",
    },
    "initial-loss": {"tanh z = (e^z - e^-z) / (e^z - e^-z).": "refuted"},
    "l1-against-l2": {"Loss_reg = loss + lambda reg, with reg = lambda sum |w|.": "refuted"},
    "normalisations": {"With G = 1 GroupNorm is identical to LayerNorm.": "holds"},
    "optimizer-formulas": {
        "NAG: v <- rho v + grad L(w + rho v), w <- w - eta v.": "refuted",
        "NAG, put right: v <- rho v + grad L(w - eta rho v), w <- w - eta v.": "holds",
        "Momentum: v <- rho v + grad L(w), w <- w - eta v.": "holds",
        "Adam: in 1 - beta^t the t is no power but a number; beta is one constant.": "refuted",
    },
}
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.*:DeprecationWarning")


def check(name, folder):
    result = run_experiment(GALLERY[name], Settings(seeds=2, fast=True, out=folder))
    assert result.claims
    assert result.drawings
    for claim in result.claims:
        assert claim.sentence.rstrip(")").endswith((".", "?")), claim.sentence
        assert re.search(r"\b00[0-4]\b|arXiv", claim.source)
        assert claim.measure
        assert claim.wanted
        if claim.judgement is not Judgement.NOT_SETTLED:
            assert math.isfinite(claim.value)
    for drawing in result.drawings:
        assert drawing.caption.endswith(".")
        for file in drawing.files:
            size = (folder / name / file).stat().st_size
            assert 2_000 < size < 4_000_000, (file, size)
    assert all(isinstance(value, (int, float, str)) for value in result.numbers.values())
    for sentence, judgement in KNOWN.get(name, {}).items():
        found = [claim.judgement.value for claim in result.claims if claim.sentence == sentence]
        assert found
        assert set(found) == {judgement}, sentence


@pytest.mark.parametrize("name", QUICK)
def test_the_quickest_run(name, tmp_path):
    check(name, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name in GALLERY if name not in QUICK])
def test_all_run(name, tmp_path):
    check(name, tmp_path)
