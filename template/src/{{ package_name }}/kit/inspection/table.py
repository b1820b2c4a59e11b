"""`stats` for people: tables, once or live."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..engine.job.progress import Progress
from ..texts import say
from .order import OrderState
from .stats import Rates, Stats

_NARROW = {"no_wrap": True, "overflow": "ellipsis"}
_FIXED = 2  # lines of the frame around the numbers, less their table, and of the last word
_TITLE = 3  # lines of a table besides its rows: title, head, what was cut


def render(
    stats: Stats, rates: Rates | None, trouble: str = "", *, height: int | None = 24
) -> RenderableType:
    """Show everything on one screen; what does not fit is counted.

    Args:
        stats: The latest look.
        rates: What happened since the one before.
        trouble: Why there is no newer look.
        height: Lines of the screen; None for no limit.
    """
    numbers = _numbers(stats, rates)
    parts: list[RenderableType] = [
        Panel(Group(*numbers), title=say("queue {name}", name=stats.queue))
    ]
    if trouble:
        parts.append(Text(trouble, style="bold red"))
    away = dict.fromkeys(each.away for each in stats.workers if each.alive and each.away)
    parts += [Text(each, style="bold red", **_NARROW) for each in away]  # type: ignore[arg-type]
    made = (_queues(stats), _running(stats), _workers(stats), _schedules(stats))
    tables = [each for each in made if each]
    used = numbers[0].row_count + len(numbers) + _FIXED + bool(trouble) + len(away)
    room = None if height is None else height - used
    for number, (table, rows) in enumerate(tables):
        # What one table leaves over, the next may use.
        share = None if room is None else max(1, room // (len(tables) - number) - _TITLE)
        shown = rows if share is None else rows[:share]
        for row in shown:
            table.add_row(*row)
        parts.append(table)
        if len(shown) < len(rows):
            parts.append(
                Text("  " + say("... and {count} more", count=len(rows) - len(shown)), style="dim")
            )
        if room is not None:
            room -= len(shown) + _TITLE
    if not stats.workers:
        parts.append(Text(say("no worker is running"), style="bold yellow"))
    return Group(*parts)


def duration(seconds: float | None) -> str:
    """Return seconds as people say them: `3.2 s`, `4 m 10 s`, `2 h 5 m`."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} m" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def _numbers(stats: Stats, rates: Rates | None) -> tuple[Table, *tuple[Text, ...]]:
    table = Table.grid(padding=(0, 2), expand=True)
    for _ in range(3):
        table.add_column(ratio=1, **_NARROW)  # type: ignore[arg-type]
    oldest = f" ({say('oldest')} {duration(stats.oldest)})" if stats.waiting else ""
    due = f", {stats.due} {say('due')}" if stats.due else ""
    if stats.snoozing:
        due += f", {stats.snoozing} {say('snoozing')}"
    delayed = f" ({say('next')} {duration(stats.next_due)}{due})" if stats.next_due else due
    blocked = f" ({stats.blocked} {say('blocked')})" if stats.blocked else ""
    cells = [
        _cell("waiting", f"{stats.waiting}{oldest}"),
        _cell("delayed", f"{stats.delayed}{delayed}"),
        _cell("deferred", f"{stats.deferred}{blocked}"),
        _cell("running", str(len(stats.running))),
        _cell("failed", str(stats.failed), style="bold red" if stats.failed else "bold"),
        _cell("results kept", str(stats.finished)),
        _cell("workers", str(sum(each.alive for each in stats.workers))),
        _cell("done/s", f"{rates.done:.1f}" if rates else "-"),
        _cell("failures/s", f"{rates.failures:.1f}" if rates else "-"),
    ]
    notes: list[Text] = []
    for name, counted in stats.counts.items():
        if isinstance(counted, str):
            notes.append(
                Text(
                    say("{name} cannot be reached: {error}", name=name, error=counted),
                    style="bold red",
                )
            )
        else:
            named = (f"{what.replace('_', ' ')} {number}" for what, number in counted.items())
            notes.append(_cell(name, ", ".join(named)))
    for start in range(0, len(cells), 3):
        table.add_row(*cells[start : start + 3])
    if stats.order != OrderState():
        order = say(
            "order: {used} keys in use, {waiting} jobs wait for a key",
            used=stats.order.keys,
            waiting=stats.order.waiting,
        )
        notes.append(Text(order, **_NARROW))  # type: ignore[arg-type]
    if stats.order.held:
        held = say(
            "{count} keys are held by failed jobs: see `failed list`", count=stats.order.held
        )
        notes.append(Text(held, style="bold red"))
    if stats.suspended:
        notes.append(Text(say("suspended: no job is taken"), style="bold yellow"))
    return table, *notes


def _cell(name: str, value: str, style: str = "bold") -> Text:
    return Text.assemble((f"{say(name)} ", "dim"), (value, style))


Rows = tuple[Table, list[list[RenderableType]]]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=say(title), title_justify="left", box=None, expand=True, padding=(0, 1))
    for position, name in enumerate(columns):
        table.add_column(say(name), ratio=2 if position < 2 else 1, **_NARROW)  # type: ignore[arg-type]
    return table


def _queues(stats: Stats) -> Rows | None:
    if len(stats.queues) < 2:
        return None
    rows: list[list[RenderableType]] = [
        [
            each.name,
            str(each.waiting),
            duration(each.oldest),
            str(each.running),
            str(each.delayed),
            str(each.failed),
        ]
        for each in stats.queues
    ]
    return _table("queues", "queue", "waiting", "oldest", "running", "delayed", "failed"), rows


def _running(stats: Stats) -> Rows | None:
    if not stats.running:
        return None
    rows: list[list[RenderableType]] = [
        [
            each.job_id,
            each.job_type,
            duration(each.seconds),
            _progress(each.progress),
            str(each.attempt),
            _short(each.worker),
        ]
        for each in stats.running
    ]
    columns = _table(
        "running, the longest first",
        "job",
        "type",
        "for",
        "progress",
        "attempt",
        "worker",
    )
    return columns, rows


def _progress(progress: Progress | None) -> Text:
    """Return a share where the total is known, else a number, and the note."""
    if progress is None:
        return Text("-")
    share = f"{progress.done / progress.total:.0%}" if progress.total else f"{progress.done:g}"
    return Text(f"{share} {progress.note}".strip())


def _workers(stats: Stats) -> Rows | None:
    if not stats.workers:
        return None
    rows: list[list[RenderableType]] = [
        [
            _short(each.name),
            each.host,
            Text(each.state, style="" if each.alive and each.state != "silent" else "bold red"),
            str(each.running),
            str(each.done),
            str(each.failures),
            duration(each.uptime),
        ]
        for each in sorted(stats.workers, key=lambda each: each.state not in ("gone", "silent"))
    ]
    return _table("workers", "worker", "host", "state", "runs", "done", "failed", "up for"), rows


def _schedules(stats: Stats) -> Rows | None:
    if not stats.schedules:
        return None
    rows: list[list[RenderableType]] = [
        [each.name, f"{each.cron} {each.timezone}", duration(each.next_run)]
        for each in sorted(stats.schedules, key=lambda each: each.next_run)
    ]
    return _table("schedules, the next first", "schedule", "cron", "next in"), rows


def _short(worker: str) -> str:
    """Return the end of a worker's name, which tells replicas apart: the process and a random part."""
    return worker if len(worker) <= 22 else f"...{worker[-19:]}"
