"""An import report in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from api.commands.terminal import output
from twin.text import LocalText

if TYPE_CHECKING:
    from layers.import_report import ImportReport


def show_report(report: ImportReport) -> None:
    """The report in words; refused rows with their reasons and first examples."""
    say = output().print
    verb = "would be " if report.dry_run else ""
    say(
        f"[bold]{report.layer_id}[/]: {report.rows:,} rows of {report.source} ({report.format}, {report.crs}, "
        f"{report.crs_known_by}) in {report.seconds:.1f} s ({report.rows_per_second:,.0f} rows/s), version {report.version}"
    )
    say(
        f"  {verb}inserted {report.inserted:,}, updated {report.updated:,}, deleted {report.deleted:,}; ids: {report.ids_from}"
    )
    if report.repaired:
        say(f"  repaired geometries: {report.repaired:,}")
    if report.rejected:
        say(f"  [bold red]refused rows · 被拒绝的行: {report.rejected:,}[/]")
    for label, reasons in (("refused", report.reasons), ("changed", report.altered)):
        for reason in reasons:
            rows = ", ".join(f"row {e.row}" + (f" ({e.value})" if e.value else "") for e in reason.examples)
            say(f"  {label} {reason.count:,}: {reason.reason}" + (f" [{rows}]" if rows else ""), markup=False)
            if reason.remedy:
                say(f"    → {reason.remedy}", markup=False)
    for warning in report.warnings:
        rows = ", ".join(f"row {e.row} ({e.value})" for e in warning.examples)
        say(f"  [yellow]warning · 提示 {warning.count:,}[/]: {escape(warning.reason)} {escape(f'[{rows}]')}")
    _show_belief(report)
    for original, name in report.renamed:
        say(f"  column '{original}' is called '{name}'", markup=False)
    for label, names in (("not in the schema, left out", report.ignored), ("not in the file", report.absent)):
        if names:
            say(f"  columns {label}: {', '.join(names)}", markup=False)
    for note in report.notes:
        say(f"  {note}", markup=False)


def _show_belief(report: ImportReport) -> None:
    """What the guard believes, and what follows from it."""
    belief = report.belief or {}
    text = LocalText.parse(belief.get("text"))
    if text.en:
        output().print(f"  position · 位置: {text.en} · {text.zh}", markup=False)
    if report.state == "held":
        output().print("  [bold red]held: shown nowhere until a person decides · 已暂存，待审核[/]")
        wish = belief.get("correction")
        decide = f"--correct {wish}" if isinstance(wish, str) else "--accept | --reject"
        output().print(f"    → onemap layers review {report.layer_id} {decide} --reason …", markup=False)
