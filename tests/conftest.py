"""What holds for all tests."""

import torch
from hypothesis import settings

torch.set_num_threads(1)  # small tensors gain nothing from two, and lose much when busy
settings.register_profile("patient", deadline=None)  # a busy machine fails single examples
settings.load_profile("patient")
