"""The learning-rate range test: one curve of loss against learning rate, and what it suggests."""

from torchclinic.study.lr_range.range_test import lr_range_test
from torchclinic.study.lr_range.suggest import Suggested, suggest
from torchclinic.study.lr_range.training_loop import TrainingLoop

__all__ = ["Suggested", "TrainingLoop", "lr_range_test", "suggest"]
