"""One torch thread for all tests: small tensors gain nothing from two, and lose much when busy."""

import torch

torch.set_num_threads(1)
