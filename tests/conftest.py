"""What holds for all tests."""

import signal

import torch
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # begun in the background of a script
    signal.signal(signal.SIGINT, signal.default_int_handler)

torch.set_num_threads(1)  # small tensors gain nothing from two, and lose much when busy
settings.register_profile("patient", deadline=None)  # a busy machine fails single examples
settings.load_profile("patient")
