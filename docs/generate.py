"""Write what is made from the code: pages of rules, remedies and commands, the gallery's scripts.

sphinx-gallery runs the scripts, which takes minutes the first time. It takes pictures and claims of
a finished run instead where there is one: `torchclinic gallery --all --fast -o FOLDER`, then
`TORCHCLINIC_GALLERY=FOLDER make docs`.
"""

import subprocess
import sys
from pathlib import Path

from gallery_scripts import write_scripts

from torchclinic import REMEDIES, RULES, explain

HERE = Path(__file__).parent
OUT = HERE / "reference" / "generated"
COMMANDS = (
    "demo",
    "diagnose",
    "repair",
    "find-lr",
    "compare",
    "gallery",
    "rules",
    "explain",
    "remedies",
)


def main() -> None:
    (OUT / "rules").mkdir(parents=True, exist_ok=True)
    write_rules()
    write_remedies()
    write_cli()
    write_scripts()


def write_rules() -> None:
    lines = ["# Rules", "", "| code | name | what it finds |", "|---|---|---|"]
    for rule in RULES.members():
        lines.append(f"| [{rule.code}](rules/{rule.code}.md) | {rule.name} | {rule.summary} |")
        page = f"# {rule.code} {rule.name}\n\n{as_markdown(explain(rule.code))}\n"
        (OUT / "rules" / f"{rule.code}.md").write_text(page)
    toc = ["", "```{toctree}", ":hidden:", ""]
    toc += [f"rules/{rule.code}" for rule in RULES.members()]
    (OUT / "rules.md").write_text("\n".join([*lines, *toc, "```", ""]))


def as_markdown(text: str) -> str:
    """Lines that end a paragraph of their own with a colon-less heading become headings."""
    known = "What it does, Why is this bad?, Known problems, Example, Use instead, References"
    lines = []
    for line in text.splitlines()[1:]:
        bare = line.strip().strip("#").strip()
        lines.append(f"## {bare}" if bare in known.split(", ") else line)
    return "\n".join(lines)


def write_remedies() -> None:
    lines = ["# Remedies", ""]
    for remedy in REMEDIES.members():
        lines += [
            f"## {remedy.name}",
            "",
            f"{remedy.title}. *{remedy.applicability.value}*",
            "",
            remedy.reason,
            "",
            f"Source: {remedy.source}",
            "",
        ]
    (OUT / "remedies.md").write_text("\n".join(lines))


def write_cli() -> None:
    lines = ["# Command line", ""]
    for command in COMMANDS:
        called = [sys.executable, "-m", "torchclinic", command, "--help"]
        shown = subprocess.run(called, capture_output=True, text=True, check=True).stdout
        lines += [f"## torchclinic {command}", "", "```text", shown.strip(), "```", ""]
    (OUT / "cli.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
