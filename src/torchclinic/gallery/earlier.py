"""What an earlier run left on disk that another with the same settings need not run again."""

from __future__ import annotations

from collections.abc import Sequence

from torchclinic.core import OutputError
from torchclinic.gallery.experiment import Experiment
from torchclinic.gallery.result import FILE, Result, read_result
from torchclinic.gallery.running import versions
from torchclinic.gallery.settings import Settings


def earlier_results(experiments: Sequence[Experiment], settings: Settings) -> dict[int, Result]:
    """Results in the settings' folder, of the same data, seeds, variant and library versions.

    A result is written last, so one that is there is whole; one that cannot be read is not taken.

    Args:
        experiments: Which to look for.
        settings: What they must have been run with.

    Returns:
        Place among the experiments -> what was found.
    """
    found = {}
    for place, experiment in enumerate(experiments):
        result = _result(experiment, settings)
        if result is not None and _same(result, settings):
            found[place] = result
    return found


def _result(experiment: Experiment, settings: Settings) -> Result | None:
    file = settings.out / experiment.name / FILE
    if not file.is_file():
        return None
    try:
        return read_result(file)
    except OutputError:  # cut off or of another version: it is run again and written anew
        return None


def _same(result: Result, settings: Settings) -> bool:
    return (
        result.data == settings.data
        and tuple(result.seeds) == settings.runs
        and result.fast == settings.fast
        and dict(result.versions) == versions()
    )
