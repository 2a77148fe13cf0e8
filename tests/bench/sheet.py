"""What a benchmark hands back: plain tables, printed, and written to a file on request, with the machine they are from."""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table as Drawn

WIDTH = 150
out = Console(width=WIDTH, highlight=False)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A title, what was measured and how, columns, and rows of words."""

    title: str
    how: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass
class Sheet:
    """The tables of one call of the bench."""

    command: str
    quick: bool
    machine: str = field(default_factory=lambda: machine())
    tables: list[Table] = field(default_factory=list)
    _since: tuple[float, float] = field(default_factory=lambda: used())

    def add(self, title: str, how: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Keep a table and print it, with how busy others kept the machine since the last one."""
        before, self._since = self._since, used()
        others = (self._since[1] - before[1]) / max(self._since[0] - before[0], 0.001)
        busy = f"Meanwhile others used {max(others, 0):.1f} of {os.cpu_count()} cores."
        table = Table(
            title=title,
            how=" ".join(f"{how} {busy}".split()),
            columns=tuple(columns),
            rows=tuple(tuple(str(cell) for cell in row) for row in rows),
        )
        self.tables.append(table)
        drawn = Drawn(
            title=f"[bold]{title}[/]", title_justify="left", caption=table.how, caption_justify="left"
        )
        for place, column in enumerate(columns):
            drawn.add_column(column, justify="right" if place else "left")
        for row in table.rows:
            drawn.add_row(*row)
        out.print()
        out.print(drawn)

    def note(self, words: str) -> None:
        """Say something on the way; it is not kept."""
        out.print(f"[dim]{words}[/]", soft_wrap=True)

    def write(self, path: Path) -> None:
        """Write all tables: JSON where the name ends so, else Markdown."""
        if path.suffix == ".json":
            text = json.dumps(
                {
                    "command": self.command,
                    "quick": self.quick,
                    "machine": self.machine,
                    "tables": list(map(asdict, self.tables)),
                },
                indent=1,
                ensure_ascii=False,
            )
        else:
            text = self._markdown()
        path.write_text(text + "\n", encoding="utf-8")
        out.print(f"\nWrote {path}.", soft_wrap=True)

    def _markdown(self) -> str:
        parts = [f"`{self.command}`{' (quick)' if self.quick else ''} on {self.machine}"]
        for table in self.tables:
            lines = [
                f"### {table.title}",
                "",
                table.how,
                "",
                _line(table.columns),
                _line(["---"] * len(table.columns)),
            ]
            parts.append("\n".join([*lines, *map(_line, table.rows)]))
        return "\n\n".join(parts)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def machine() -> str:
    """Return what the figures were measured on: processor, cores, Python, how busy it was, and the day."""
    info = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line
    ]
    return (
        f"{models[0] if models else platform.processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} before, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def used() -> tuple[float, float]:
    """Return the moment, and how many seconds of processor others have used: all but this process and its children."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    busy = (sum(fields) - fields[3] - fields[4]) / os.sysconf(
        "SC_CLK_TCK"
    )  # all but idle and waiting for the disk
    mine = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    return time.time(), busy - mine


# --- figures ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How long something took: what half, 95 % and 99 % stay below, and the longest; seconds.

    Those that never came count as longer than all others: a figure is None where it falls among them.
    """

    asked: int
    came: int
    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None


def spread(seconds: Sequence[float | None]) -> Spread:
    """Return the spread of *seconds*; None is something that never came."""
    came = sorted(one for one in seconds if one is not None)

    def below(share: float) -> float | None:
        place = max(0, -int(-len(seconds) * share // 1) - 1)
        return came[place] if place < len(came) else None

    longest = came[-1] if came and len(came) == len(seconds) else None
    return Spread(
        asked=len(seconds), came=len(came), p50=below(0.5), p95=below(0.95), p99=below(0.99), longest=longest
    )


def ms(seconds: float | None, otherwise: str = "never") -> str:
    """Write seconds as milliseconds, or as seconds where they are many."""
    if seconds is None:
        return otherwise
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def times(theirs: float | None, ours: float | None) -> str:
    """Write how many times ours theirs is."""
    return f"{theirs / ours:.2g} ×" if theirs and ours else "-"


def steady_rate(moments: Sequence[float], begin: float, end: float) -> float:
    """Return how many of *moments* there were a second between *begin* and *end*."""
    return sum(begin <= at < end for at in moments) / (end - begin)
