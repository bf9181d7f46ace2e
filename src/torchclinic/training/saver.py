"""Writes a run's checkpoints and goes on from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torchclinic.core import CheckpointError
from torchclinic.training.checkpoint.file import read_checkpoint, write_checkpoint
from torchclinic.training.checkpoint.fingerprint import check_fingerprint
from torchclinic.training.checkpoint.policy import Checkpoints, Due
from torchclinic.training.rng import RandomState
from torchclinic.training.run_state import RunState


class Saver:
    """The checkpoints of one run.

    Args:
        policy: Where and how often; a path alone means the default interval.
        identity: By which a checkpoint knows its recipe.
    """

    def __init__(self, policy: Checkpoints | Path | str, identity: Mapping[str, str]) -> None:
        self._policy = policy if isinstance(policy, Checkpoints) else Checkpoints(Path(policy))
        self._path = Path(self._policy.path)
        self._identity = dict(identity)
        self.due = Due(self._policy)

    def resume(self, run: RunState) -> RandomState | None:
        """Bring a run to where its checkpoint left it.

        Where there is none the first one is written, so that a path that cannot be written shows
        at once.

        Returns:
            The generators' state then, None for a run at its beginning.

        Raises:
            CheckpointError: If the checkpoint is damaged or belongs to another run.
        """
        saved = read_checkpoint(self._path)
        if saved is None:
            self.save(run)
            return None
        check_fingerprint(saved["identity"], self._identity, self._path)
        try:
            return run.restore(saved["run"])
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise CheckpointError(
                f"the checkpoint {self._path} does not fit this run: {error}",
                hint="delete it to start from the beginning",
            ) from error

    def save(self, run: RunState) -> None:
        """Write a checkpoint.

        Raises:
            CheckpointError: If it cannot be written; the last good one is untouched.
        """
        with run.clock.paused():
            write_checkpoint(self._path, {"identity": self._identity, "run": run.state()})
        self.due.written()
