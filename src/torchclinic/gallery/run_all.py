"""Experiments side by side; one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing

from torchclinic.core import UsageError
from torchclinic.gallery.earlier import earlier_results
from torchclinic.gallery.experiment import Experiment
from torchclinic.gallery.failure import Failure, attempt_experiment
from torchclinic.gallery.overall import Overall
from torchclinic.gallery.result import Result
from torchclinic.gallery.settings import Settings


def run_all(
    experiments: Iterable[Experiment],
    settings: Settings,
    on_result: Callable[[Result | Failure], None] | None = None,
    *,
    parallel: int | None = None,
    resume: bool = False,
) -> list[Result | Failure]:
    """Run experiments and keep an index page of what is done up to date.

    Side by side, each has a process and a core to itself, and those that take longest begin first;
    the page keeps the order of the gallery. Ctrl-C ends it with KeyboardInterrupt; what is done
    until then is on disk and in the index.

    Args:
        experiments: In the order of the page.
        settings: For all of them.
        on_result: Called after each that is run.
        parallel: How many at a time; None for as many as cores. 1 runs them in this process, as
            does a system where a fork is not safe.
        resume: Whether to keep what an earlier run with these settings left in the folder.

    Returns:
        A Result for each experiment, or a Failure for one that raised or whose process died.

    Raises:
        UsageError: For fewer than one at a time.
    """
    from torchclinic.gallery.page import write_index

    if parallel is not None and parallel < 1:
        raise UsageError(f"parallel is {parallel}", hint="1 or more")
    chosen = list(experiments)
    done: dict[int, Result | Failure] = {}
    if resume:
        done.update(earlier_results(chosen, settings))
        write_index(_in_order(done), settings.out)
    places = [place for place in range(len(chosen)) if place not in done]
    left = [chosen[place] for place in places]
    with closing(_results(left, settings, _processes(len(left), parallel))) as results:
        for place, result in results:
            done[places[place]] = result
            write_index(_in_order(done), settings.out)
            if on_result is not None:
                on_result(result)
    return _in_order(done)


def _in_order(done: Mapping[int, Result | Failure]) -> list[Result | Failure]:
    return [done[place] for place in sorted(done)]


def _processes(experiments: int, parallel: int | None) -> int:
    from torchclinic.engine.cores import available_cores
    from torchclinic.engine.forking import why_not_forked

    wanted = min(experiments, available_cores() if parallel is None else parallel)
    return 1 if wanted < 2 or why_not_forked([]) else wanted


def _results(
    experiments: Sequence[Experiment], settings: Settings, processes: int
) -> Generator[tuple[int, Result | Failure]]:
    if processes > 1:
        return _side_by_side(experiments, settings, processes)
    return _in_turn(experiments, settings)


def _in_turn(
    experiments: Sequence[Experiment], settings: Settings
) -> Generator[tuple[int, Result | Failure]]:
    overall = Overall(experiments, settings)
    for place, experiment in enumerate(experiments):
        yield place, attempt_experiment(experiment, overall.begin(place, tells=True))
        overall.finish(place)


def _side_by_side(
    experiments: Sequence[Experiment], settings: Settings, processes: int
) -> Generator[tuple[int, Result | Failure]]:
    from torchclinic.engine.forking import warm_up
    from torchclinic.engine.workers import Workers

    def work(place: int) -> Callable[[], Result | Failure]:
        return lambda: attempt_experiment(experiments[place], overall.begin(place, tells=False))

    warm_up()
    overall = Overall(experiments, settings)
    longest_first = sorted(range(len(experiments)), key=lambda place: -experiments[place].minutes)
    works = {place: work(place) for place in longest_first}
    crew = Workers[int](processes, works, lambda _: True, overall.tell)
    with closing(crew.outcomes()) as outcomes:
        for place, outcome in outcomes:
            overall.finish(place)
            died = Failure(experiments[place], str(outcome.error), seconds=outcome.seconds)
            yield place, died if outcome.error else outcome.value
