"""A study that does not end by itself, for a process of its own."""

import os
import signal
import time
from pathlib import Path

from engine.recipes import mse, recipe, with_step
from torchclinic.engine import RunsInterrupted, run_arms


def endless_study(seen, told):
    """Runs an endless task on a cluster of its own; tells how it ended."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def endless(model, batch):
        with Path(seen).open("w", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {os.getppid()}")
        time.sleep(0.05)
        return mse(model, batch)

    arms = {"ends": recipe(), "hangs": with_step(endless, steps=100_000)}
    try:
        run_arms(arms, [0], engine="ray", parallel=2)
    except RunsInterrupted as interrupt:
        told.send({arm: runs[0].error for arm, runs in interrupt.results.items()})
