"""Conversation: turns a function that evaluates points by itself into questions and answers."""

from __future__ import annotations

import queue
import weakref
from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np

Evaluate = Callable[[np.ndarray], np.ndarray]


class _Stopped(BaseException):
    """Raised inside the searching function to end it; no `except Exception` may hold it up."""


_STOP = object()


class Conversation:
    """Runs `search(evaluate)` in a thread and hands its evaluations out one after another.

    The thread waits while a question is open. It ends when the search does, when `close` is called,
    when the conversation is garbage, and with the interpreter.

    Args:
        search: Calls its argument with points (n, d), gets their values (n,), and returns in words
            why it ended.

    >>> talk = Conversation(lambda evaluate: f"found {evaluate(np.ones((2, 3))).min():g}")
    >>> talk.question().shape
    (2, 3)
    >>> talk.answer(np.array([5.0, 4.0]))
    >>> talk.question(), talk.ended
    (None, 'found 4')
    """

    def __init__(self, search: Callable[[Evaluate], str]) -> None:
        self.ended: str | None = None
        self._questions: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = Thread(
            target=_run, args=(search, self._questions, self._answers), daemon=True
        )
        self._thread.start()
        self._finalize = weakref.finalize(self, _end, self._thread, self._answers)

    def question(self) -> np.ndarray | None:
        """The points that the search wants to know; None when it has ended, `ended` says why."""
        if self.ended is not None:
            return None
        found = self._questions.get()
        if isinstance(found, np.ndarray):
            return found
        self.ended = "it raised" if isinstance(found, Exception) else found
        self._thread.join()
        if isinstance(found, Exception):
            raise found
        return None

    def answer(self, values: np.ndarray) -> None:
        """The values of the last question."""
        self._answers.put(values)

    def close(self) -> None:
        """End the search and its thread."""
        self._finalize()
        self.ended = self.ended or "closed"

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()


def _run(search: Callable[[Evaluate], str], questions: Any, answers: Any) -> None:
    def evaluate(points: np.ndarray) -> np.ndarray:
        questions.put(points)
        values = answers.get()
        if values is _STOP:
            raise _Stopped
        return values

    try:
        end: Any = search(evaluate)
    except _Stopped:
        end = "closed"
    except Exception as error:  # noqa: BLE001 - handed on to the thread that asks
        end = error
    questions.put(end)


def _end(thread: Thread, answers: Any) -> None:
    answers.put(_STOP)
    thread.join()
