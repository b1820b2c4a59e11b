"""`stats` for people: tables, once or live."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .stats import Rates, Stats

_SHOWN = 15  # running jobs and workers that are listed


def render(stats: Stats, rates: Rates | None, trouble: str = "") -> RenderableType:
    """Everything on one screen.

    Args:
        stats: The latest look.
        rates: What happened since the one before.
        trouble: Why there is no newer look.
    """
    parts: list[RenderableType] = [Panel(_numbers(stats, rates), title=f"queue {stats.queue}")]
    if trouble:
        parts.append(Text(trouble, style="bold red"))
    away = dict.fromkeys(each.away for each in stats.workers if each.alive and each.away)
    parts += [Text(sentence, style="bold red") for sentence in away]
    if stats.running:
        parts.append(_running(stats))
    parts.append(_workers(stats))
    return Group(*parts)


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `3.2 s`, `4 m 10 s`, `2 h 5 m`."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} m" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def _numbers(stats: Stats, rates: Rates | None) -> Table:
    table = Table.grid(padding=(0, 3))
    for _ in range(4):
        table.add_column()
    oldest = f" (oldest {duration(stats.oldest)})" if stats.waiting else ""
    delayed = f" ({stats.due} due" if stats.delayed else ""
    if stats.delayed:
        delayed += f", next in {duration(stats.next_due)})" if stats.next_due else ")"
    cells = [
        _cell("waiting", f"{stats.waiting}{oldest}"),
        _cell("running", str(len(stats.running))),
        _cell("delayed", f"{stats.delayed}{delayed}"),
        _cell("failed", str(stats.failed), style="bold red" if stats.failed else "bold"),
        _cell("done/s", f"{rates.done:.1f}" if rates else "-"),
        _cell("failures/s", f"{rates.failures:.1f}" if rates else "-"),
        _cell("results kept", str(stats.finished)),
        _cell("workers", str(sum(each.alive for each in stats.workers))),
    ]
    for name, counted in stats.counts.items():
        if isinstance(counted, str):
            cells.append(_cell(name, counted, style="red"))
        else:
            cells += [
                _cell(f"{name} {what.replace('_', ' ')}", str(number))
                for what, number in counted.items()
            ]
    if stats.suspended:
        cells.append(_cell("state", "suspended: no job is taken", style="bold yellow"))
    for start in range(0, len(cells), 4):
        table.add_row(*cells[start : start + 4])
    return table


def _cell(name: str, value: str, style: str = "bold") -> Text:
    return Text.assemble((f"{name} ", "dim"), (value, style))


def _running(stats: Stats) -> Table:
    table = Table("job", "type", "attempt", "running for", "worker", title="running, oldest first")
    for each in stats.running[:_SHOWN]:
        table.add_row(
            each.job_id, each.job_type, str(each.attempt), duration(each.seconds), each.worker
        )
    if len(stats.running) > _SHOWN:
        table.caption = f"and {len(stats.running) - _SHOWN} more"
    return table


def _workers(stats: Stats) -> RenderableType:
    if not stats.workers:
        return Text("no worker is running", style="bold yellow")
    table = Table("worker", "host", "state", "running", "done", "failures", "up for")
    for each in stats.workers[:_SHOWN]:
        table.add_row(
            each.name,
            each.host,
            each.state if each.alive else "gone",
            str(each.running),
            str(each.done),
            str(each.failures),
            duration(each.uptime),
            style=None if each.alive else "red",
        )
    if len(stats.workers) > _SHOWN:
        table.caption = f"and {len(stats.workers) - _SHOWN} more"
    return table
