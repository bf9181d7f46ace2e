"""One output a file: console, JSON, HTML.

The names below are loaded when they are first used: rich and Jinja2 cost time that `--help` need
not pay.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torchclinic.render.comparison.fragment import render_study_html
    from torchclinic.render.comparison.page import render_study_page
    from torchclinic.render.comparison.plain import STUDY_SCHEMA, study_to_dict
    from torchclinic.render.comparison.report import write_study_report
    from torchclinic.render.comparison.text import render_study_text
    from torchclinic.render.console.diagnosis import render_diagnosis_text
    from torchclinic.render.console.explanation import render_rule_explanation
    from torchclinic.render.console.lr_range import render_lr_range_text
    from torchclinic.render.console.registries import (
        RemedyRow,
        RuleRow,
        render_remedies_table,
        render_rules_table,
    )
    from torchclinic.render.console.repair import render_repair_text
    from torchclinic.render.html.fragments import render_diagnosis_html, render_repair_html
    from torchclinic.render.html.page import render_diagnosis_page, render_repair_page
    from torchclinic.render.output import write_text
    from torchclinic.render.plain import SCHEMA, Detail, diagnosis_to_dict, repair_to_dict, to_json
    from torchclinic.render.report import write_report

_HOMES = {
    "SCHEMA": "plain",
    "STUDY_SCHEMA": "comparison.plain",
    "Detail": "plain",
    "RemedyRow": "console.registries",
    "RuleRow": "console.registries",
    "diagnosis_to_dict": "plain",
    "render_diagnosis_html": "html.fragments",
    "render_diagnosis_page": "html.page",
    "render_diagnosis_text": "console.diagnosis",
    "render_lr_range_text": "console.lr_range",
    "render_remedies_table": "console.registries",
    "render_repair_html": "html.fragments",
    "render_repair_page": "html.page",
    "render_repair_text": "console.repair",
    "render_rule_explanation": "console.explanation",
    "render_rules_table": "console.registries",
    "repair_to_dict": "plain",
    "render_study_html": "comparison.fragment",
    "render_study_page": "comparison.page",
    "render_study_text": "comparison.text",
    "study_to_dict": "comparison.plain",
    "to_json": "plain",
    "write_report": "report",
    "write_study_report": "comparison.report",
    "write_text": "output",
}

__all__ = [
    "SCHEMA",
    "STUDY_SCHEMA",
    "Detail",
    "RemedyRow",
    "RuleRow",
    "diagnosis_to_dict",
    "render_diagnosis_html",
    "render_diagnosis_page",
    "render_diagnosis_text",
    "render_lr_range_text",
    "render_remedies_table",
    "render_repair_html",
    "render_repair_page",
    "render_repair_text",
    "render_rule_explanation",
    "render_rules_table",
    "render_study_html",
    "render_study_page",
    "render_study_text",
    "repair_to_dict",
    "study_to_dict",
    "to_json",
    "write_report",
    "write_study_report",
    "write_text",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
