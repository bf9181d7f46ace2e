"""agreement(): whether outputs follow their targets, and whether the loss wants them to."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.clinic.afterwards.asking.stand_in import Answer, Replacement, StandIn
from torchclinic.clinic.afterwards.asking.wanted import Labels, Numbers, as_labels, as_numbers
from torchclinic.core.facts import AgreementFacts
from torchclinic.data.structure import take_rows
from torchclinic.training import split_batch
from torchclinic.training.batch import first_tensor


def agreement(
    stand_in: StandIn, batch: Any, before: Answer, after: Answer, trained: nn.Module
) -> AgreementFacts | None:
    """Likeness of outputs and targets, before and after training, and what the loss says.

    What is compared is what enters a loss function of torch, where one is heard, and else the
    output of the model and the targets of the batch. The loss is only asked where the trained
    outputs do not follow the targets, and where it reads them.

    Args:
        stand_in: Computes the loss of `batch`.
        batch: Rows of the training part.
        before: The loss of an untrained model's outputs.
        after: The loss of the trained model's outputs.
        trained: That model.

    Returns:
        None where outputs and targets cannot be compared.
    """
    output, target = compared(after, batch)
    first, _ = compared(before, batch)
    ways = (
        as_numbers(output, target, heard=after.heard is not None),
        as_labels(output, target) if after.heard is None else None,
    )
    found: AgreementFacts | None = None
    for way in ways:
        found = found if way is None else _facts(way, first, output, heard=after.heard is not None)
        if way is None or found is None:
            continue
        away = found.after < (found.before if isinstance(way, Labels) else 0)
        if away and not _distances(after, way):
            return _asked(found, stand_in, batch, trained, after)
    return found


def compared(answer: Answer, batch: Any) -> tuple[Tensor, Tensor | None]:
    """Output and what it should be."""
    if answer.heard is not None:
        target = answer.heard.target
        return answer.heard.output.detach(), None if target is None else target.detach()
    target = first_tensor(split_batch(batch)[1])
    return _joined(answer, target), target


def _joined(answer: Answer, target: Tensor | None) -> Tensor:
    """The outputs of all calls of the model where they have the batch's rows together."""
    first, *others = answer.outputs
    fits = target is not None and target.dim() > 0 and sum(_rows(answer)) == len(target)
    alike = all(o.shape[1:] == first.shape[1:] and o.dtype == first.dtype for o in others)
    return torch.cat([first, *others]) if others and fits and alike else first


def _rows(answer: Answer) -> list[int]:
    """Of each call of the model."""
    return [len(output) if output.dim() else 1 for output in answer.outputs]


def _facts(
    way: Numbers | Labels, before: Tensor, after: Tensor, *, heard: bool
) -> AgreementFacts | None:
    first, last = way.likeness(before), way.likeness(after)
    if first is None or last is None:
        return None
    elements = after[0].numel()
    return AgreementFacts(len(after), way.kind, elements, heard, before=first, after=last)


def _distances(after: Answer, way: Numbers | Labels) -> bool:
    """Whether outputs may be distances from classes, which are small where a row belongs."""
    outputs = after.outputs[0]
    return way.kind == "classes" and bool((outputs >= 0).all()) and float(outputs.max()) > 1


def _asked(
    facts: AgreementFacts, stand_in: StandIn, batch: Any, model: nn.Module, after: Answer
) -> AgreementFacts:
    """With the losses of made-up outputs; without where they cannot be had."""
    target = first_tensor(split_batch(batch)[1])
    given, calls = _joined(after, target), _rows(after)
    if not given.dim() or sum(calls) != len(given):  # rows of which each has several outputs
        return facts
    way = (
        as_labels(given, target)
        if facts.wanted == "labels"
        else as_numbers(given, target, heard=facts.heard)
    )
    if way is None or way.kind != facts.wanted:
        return facts
    order = torch.randperm(len(given), generator=torch.Generator().manual_seed(0)).to(given.device)
    if not _reads(stand_in, batch, model, after, order):
        return facts
    losses: list[tuple[float, ...]] = []
    for made in way.made_up(given, order):
        answers = [stand_in.ask(model, _by_call(rows, calls)) for rows in made if rows is not None]
        found = tuple(a.loss for a in answers if a is not None and math.isfinite(a.loss))
        if len(found) != len(answers) or not _enters_as_it_is(way, answers):
            return facts
        losses.append(found)
    own, others, *against = zip(*losses, strict=True)
    return dataclasses.replace(facts, own=own, others=others, against=against[0] if against else ())


def _by_call(rows: Tensor, calls: list[int]) -> Replacement:
    """Gives each call of the model its part of the rows."""
    parts = iter(rows.split(calls))
    return lambda _: next(parts)


def _reads(stand_in: StandIn, batch: Any, model: nn.Module, after: Answer, order: Tensor) -> bool:
    """Whether the loss of the same outputs is another where targets are exchanged."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        return False
    exchanged = StandIn(stand_in.recipe, (batch[0], take_rows(batch[1], order))).ask(model)
    return exchanged is not None and not math.isclose(exchanged.loss, after.loss, rel_tol=1e-4)


def _enters_as_it_is(way: Numbers | Labels, answers: list[Answer | None]) -> bool:
    """Whether what follows the targets still does where a loss of torch is given it."""
    heard = answers[0].heard if answers[0] is not None else None
    return heard is None or (way.likeness(heard.output) or 0.0) > 0
