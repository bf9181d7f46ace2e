"""From the runs of a study to its outcome: table, comparisons, best arm, power, sentences."""

from torchclinic.study.findings.assemble import assemble
from torchclinic.study.findings.best import find_best
from torchclinic.study.findings.comparisons import compare_all, compare_pair
from torchclinic.study.findings.power_words import power_sentence

__all__ = ["assemble", "compare_all", "compare_pair", "find_best", "power_sentence"]
