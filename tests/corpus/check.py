"""Train entries by hand and print what they reach: `python -m corpus.check healthy 'digits-*'`."""

import fnmatch
import statistics
import sys
import time

import torch

from corpus.bare import score

SEEDS = (0, 1, 2)


def main():
    torch.set_num_threads(1)
    which, glob = sys.argv[1], (sys.argv[2:] or ["*"])[0]
    if which == "healthy":
        from corpus.healthy import HEALTHY as entries
    else:
        from corpus.faulty import FAULTY as entries
    bases = {}
    for entry in entries:
        if not fnmatch.fnmatch(entry.name, glob):
            continue
        start = time.perf_counter()
        scores = [score(entry.recipe_factory(), seed) for seed in SEEDS]
        seconds = (time.perf_counter() - start) / len(SEEDS)
        if entry.base is None:
            good, aim = min(scores) >= entry.sane, entry.sane
        else:
            if entry.base not in bases:
                bases[entry.base] = [score(entry.base(), seed) for seed in SEEDS]
            aim = statistics.median(bases[entry.base]) - entry.harm
            good = statistics.median(scores) <= aim
        listed = " ".join(f"{value:7.3f}" for value in scores)
        verdict = "ok " if good else "BAD"
        sys.stdout.write(
            f"{verdict} {entry.name:42} {listed}  aim {aim:6.3f} {entry.half} {seconds:5.2f}s\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
