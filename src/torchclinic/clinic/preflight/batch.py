"""BatchFacts: what the first rows of the data and a pass over them show."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from torchclinic.clinic.preflight.data.standardised import handed_on, leading_standardiser
from torchclinic.clinic.preflight.initialisation.readings import LayerReader
from torchclinic.clinic.preflight.loss.asked import loss_facts
from torchclinic.clinic.preflight.loss.baselines import expected_loss, floor_loss
from torchclinic.clinic.preflight.observing import Observation, observe
from torchclinic.clinic.preflight.plain_model import build_plain
from torchclinic.clinic.preflight.probing import affordable, probe
from torchclinic.clinic.preflight.sampling import (
    SAMPLE_ROWS,
    finite_rows,
    first_input,
    halves,
    nonfinite_in,
    repeated,
    sample_of,
    thinned,
)
from torchclinic.clinic.preflight.tensors import input_facts, output_facts, target_facts
from torchclinic.clinic.preflight.wiring.chance import chance_facts
from torchclinic.clinic.preflight.wiring.crosstalk import dependence
from torchclinic.clinic.preflight.wiring.cut import cut_facts
from torchclinic.clinic.preflight.wiring.meeting import meeting_facts
from torchclinic.clinic.preflight.wiring.reach import reach_facts
from torchclinic.clinic.preflight.wiring.regrouped import regroup_facts
from torchclinic.clinic.preflight.wiring.unregistered import made_anew, unregistered
from torchclinic.core.errors import TorchclinicError
from torchclinic.core.facts import BatchFacts, InputFacts, TargetFacts
from torchclinic.core.recipe import Recipe
from torchclinic.data import batch_to
from torchclinic.data.structure import join_batches, rows_of, tensors_of
from torchclinic.training import (
    compute_loss,
    loss_kind,
    preserved,
    seeded,
    split_batch,
)

DOUBLED_ROWS = 16
DOUBLED = 1.9  # a loss that grows this much when its batch is doubled is a sum


def batch_facts(
    recipe: Recipe, seed: int = 0, rows: int = SAMPLE_ROWS, *, sample: Any = None
) -> BatchFacts:
    """Facts from a forward and backward pass of a fresh model over up to `rows` rows.

    Rows with NaN or infinities are counted, and left out of the pass. When the pass cannot be
    made, what is known of the data alone is returned.

    Args:
        recipe: The recipe.
        seed: Of the model.
        rows: Sample size; silence is only believed on 512 rows or more. A very large model gets
            fewer.
        sample: The rows, where the caller has drawn them already.

    Raises:
        DataError: When the data cannot be read.
    """
    train, other = recipe.splits.train, recipe.splits.validation
    with preserved():
        sample = sample_of(recipe, train, rows) if sample is None else sample
        validation = None if other is None else first_input(sample_of(recipe, other, rows))
    _, targets = split_batch(sample)
    facts = BatchFacts(
        inputs=input_facts(first_input(sample), validation),
        targets=target_facts(next(tensors_of(targets), None), loss_kind(recipe.loss)),
    )
    finite = batch_to(finite_rows(sample), recipe.device)
    try:
        found = _with_pass(recipe, seed, finite, facts, validation)
    except TorchclinicError:
        found = facts
    return _counted(found, facts, nonfinite_in(train))


def _counted(found: BatchFacts, plain: BatchFacts, everywhere: tuple[int, int]) -> BatchFacts:
    """With the non-finite elements of the sample, or of all data where that is in memory."""
    inputs: InputFacts = dataclasses.replace(
        found.inputs, nonfinite=max(plain.inputs.nonfinite, everywhere[0])
    )
    targets: TargetFacts = dataclasses.replace(
        found.targets, nonfinite=max(plain.targets.nonfinite, everywhere[1])
    )
    return dataclasses.replace(found, inputs=inputs, targets=targets)


def _with_pass(
    recipe: Recipe, seed: int, sample: Any, facts: BatchFacts, validation: Tensor | None
) -> BatchFacts:
    model = build_plain(recipe, seed).train()
    with seeded(seed):
        first = probe(recipe, model, sample)
        few = first.few
        reader = LayerReader(first.seen.forward_map)
        seen = observe(recipe, model, affordable(sample, first), reader.on_output)
        losses = first.seen.loss, seen.loss
        strangers = unregistered(recipe, model, losses, sample)
        fresh = made_anew(recipe, model, losses)
        targets = target_facts(seen.target, seen.kind, seen.ignored)
        targets = facts.targets if targets.kind == "none" else targets
        asked = loss_facts(recipe, seen, targets)
        judged = _backward(model, seen)
        outputs = output_facts(seen.output, broadcasts=seen.broadcasts)
        inputs, _ = split_batch(sample)
        depends, reach = dependence(model, inputs), reach_facts(model, sample)
        return dataclasses.replace(
            facts,
            inputs=_inputs(model, few, sample, validation) or facts.inputs,
            targets=targets,
            outputs=outputs,
            layers=reader.result(),
            initial_loss=None if seen.loss is None else float(seen.loss.detach()),
            expected_loss=expected_loss(recipe, seen, targets),
            floor_loss=floor_loss(seen, outputs, targets),
            without_gradient=_without_gradient(recipe, model, few) if judged else (),
            batch_crosstalk=depends.rows,
            random_in_eval=depends.chance,
            noise_in_eval=depends.noise,
            sum_reduction=_sums(recipe, model, few),
            unregistered=strangers,
            made_anew=fresh,
            loss=asked,
            reach=reach,
            cut=cut_facts(model, inputs, reach),
            regrouped=regroup_facts(recipe, model, sample),
            meeting=meeting_facts(model, sample) if depends.rows or seen.broadcasts else None,
            chance=chance_facts(model, split_batch(few)[0]) if depends.chance else None,
        )


def _inputs(
    model: nn.Module, few: Any, sample: Any, validation: Tensor | None
) -> InputFacts | None:
    """The inputs behind the model's own standardising layer; None without such a layer."""
    layer = leading_standardiser(model, split_batch(few)[0])
    inputs = first_input(sample)
    if layer is None or inputs is None:
        return None
    other = None if validation is None else handed_on(layer, validation)
    return input_facts(handed_on(layer, inputs), other)


def _backward(model: nn.Module, seen: Observation) -> bool:
    """Put the gradients of the loss into the model; False where there is no judging them."""
    model.zero_grad(set_to_none=True)
    if seen.loss is None:
        return False
    if seen.loss.requires_grad:
        try:
            seen.loss.backward()
        except RuntimeError:  # the training will say so, with a message of its own
            model.zero_grad(set_to_none=True)
            return False
    return True


def _without_gradient(recipe: Recipe, model: nn.Module, few: Any) -> tuple[str, ...]:
    """Trainable parameters that got no gradient, and get none on two other batches either."""
    moved = _moved(model)
    for half in halves(few):
        if all(name in moved for name, p in model.named_parameters() if p.requires_grad):
            break
        model.zero_grad(set_to_none=True)
        loss, _ = compute_loss(recipe, model, repeated(half, rows_of(few) or 1))
        if loss.requires_grad:
            loss.backward()
            moved |= _moved(model)
    model.zero_grad(set_to_none=True)
    return tuple(
        name for name, p in model.named_parameters() if p.requires_grad and name not in moved
    )


def _moved(model: nn.Module) -> set[str]:
    return {
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and bool((parameter.grad != 0).any())
    }


def _sums(recipe: Recipe, model: nn.Module, sample: Any) -> bool | None:
    """Whether the loss doubles when its batch is doubled."""
    some = thinned(sample, DOUBLED_ROWS)
    model.eval()
    try:
        with torch.no_grad():
            one, _ = compute_loss(recipe, model, some)
            two, _ = compute_loss(recipe, model, join_batches([some, some]))
    except TorchclinicError:
        return None
    finally:
        model.train()
    if not float(one) > 0:
        return None
    return float(two) / float(one) > DOUBLED
