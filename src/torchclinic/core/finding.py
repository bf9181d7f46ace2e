"""Finding, Evidence, Diagnosis: what the rules say of a training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from torchclinic.core.extensions import call
from torchclinic.core.facts import Case


class Level(str, Enum):
    """How bad a finding is: an error stops learning, a warning harms it, an info only tells."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for errors, rising.

        >>> Level.ERROR.rank < Level.INFO.rank
        True
        """
        return (Level.ERROR, Level.WARNING, Level.INFO).index(self)


@dataclass(frozen=True)
class Evidence:
    """One measured number behind a finding.

    Attributes:
        statistic: What was measured, in words ("gradient RMS, first layer over last").
        value: The number.
        threshold: What it was compared with; None for a plain fact.
        comparison: How: value `<` threshold means trouble.
        unit: Unit, or "" for a ratio.
        layer: Layer it belongs to, or "".
        source: Where the threshold comes from.
    """

    statistic: str
    value: float
    threshold: float | None = None
    comparison: Literal["<", ">", "=", "outside"] = ">"
    unit: str = ""
    layer: str = ""
    source: str = ""


class Stage(int, Enum):
    """The order of causes: an earlier stage explains a later one."""

    DATA = 0  # inputs, labels
    WIRING = 1  # graph, loss against output, optimizer against model
    INITIALISATION = 2  # weights at step 0
    NUMERICS = 3  # gradients, activations, learning rate while it runs
    CURVE = 4  # what the loss curve looks like in the end


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, with its proof.

    Attributes:
        code: Permanent code of the rule ("GRD101").
        rule: Kebab-case name of the rule ("vanishing-gradient").
        level: How bad.
        title: One line, with the layer and the number.
        explanation: Why this harms the training, two or three sentences about this case.
        evidence: Measured numbers, the decisive one first.
        layers: Layers concerned, the worst first.
        steps: (first, last) optimizer step of the window; None before training.
        stage: Place in the order of causes.
        confidence: 0 to 1: how far the decisive number is beyond its threshold and how many
            independent signals agree. Only orders findings of one stage.
        remedies: Registered names of the remedies that fit, best first.
        explains: Codes that this finding explains when they occur beside it.
        consequences: Findings folded under this one; filled in by the ranking.
    """

    code: str
    rule: str
    level: Level
    title: str
    explanation: str
    evidence: tuple[Evidence, ...]
    stage: Stage
    layers: tuple[str, ...] = ()
    steps: tuple[int, int] | None = None
    confidence: float = 0.5
    remedies: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    consequences: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a training: ranked findings, root causes first.

    Attributes:
        findings: Root causes; consequences are folded under them.
        case: The facts they were judged on.
        name: Name of the recipe or trace.
        skipped: Rule code -> why it could not be judged.
        notes: What could not be gathered, in sentences.
        seconds: What it cost.
    """

    findings: tuple[Finding, ...] = ()
    case: Case = field(default_factory=Case, repr=False)
    name: str = "recipe"
    skipped: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def healthy(self) -> bool:
        """No error and no warning."""
        return all(f.level is Level.INFO for f in self.findings)

    @property
    def root(self) -> Finding | None:
        """The first error or warning, None for a healthy training."""
        return next((f for f in self.findings if f.level is not Level.INFO), None)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        return call("render_diagnosis_text", self)

    def _repr_html_(self) -> str:
        return call("render_diagnosis_html", self)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON-ready values, by the published schema."""
        return call("diagnosis_to_dict", self)
