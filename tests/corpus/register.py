"""Decorators that make entries of functions that build recipes."""

from corpus.entry import Entry

HEALTHY: list[Entry] = []
FAULTY: list[Entry] = []


def healthy(sane, *, spec=False, why=""):
    """The function builds a healthy training that reaches `sane` on its test set."""

    def enter(function):
        HEALTHY.append(Entry(_name(function), function, (), spec, sane, why=why))
        return function

    return enter


def faulty(*expected, base, spec=False, harm=0.02, why=""):
    """The function builds a training that is ill in the ways `expected`, unlike `base`.

    It gets the base's recipe as its argument.
    """

    def enter(function):
        FAULTY.append(
            Entry(
                _name(function),
                lambda: function(base()),
                expected,
                spec,
                base=base,
                harm=harm,
                why=why,
            )
        )
        return function

    return enter


def _name(function):
    return function.__name__.strip("_").replace("_", "-")
