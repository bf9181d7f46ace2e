"""The learning-rate range test: one curve of loss against learning rate, and what it suggests."""

from torchclinic.study.lr_range.range_test import lr_range_test
from torchclinic.study.lr_range.suggest import Suggested, suggest

__all__ = ["Suggested", "lr_range_test", "suggest"]
