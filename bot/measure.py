"""Measuring the understanding on lines whose right answer is known: the figures, and the lines that failed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any

from bot.asking import Reply, Unreadable
from bot.domain.triage import Urgency

#: What a line's `expect` may be, and which columns such a line needs.
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "topic": ("topic",),
    "red_flag": ("urgency",),
    "benign": (),
    "out_of_scope": (),
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure: what was counted, how many of how many, and what is aimed at.

    hits may be a half: a `check` counts half for an emergency. at_least and at_most are shares of 1.
    """

    name: str
    hits: float
    of: int
    at_least: float | None = None
    at_most: float | None = None

    @property
    def share(self) -> float:
        """Return the share, 0 to 1."""
        return self.hits / self.of if self.of else 0.0

    @property
    def met(self) -> bool | None:
        """Return whether it is as good as aimed at; None if nothing is aimed at."""
        if self.at_least is not None:
            return self.share >= self.at_least
        return self.share <= self.at_most if self.at_most is not None else None


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A line that was not met as it should be: what was expected, and what came."""

    text: str
    expected: str
    got: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """Figures in order, the lines that failed, and the time for one message, in milliseconds."""

    figures: tuple[Figure, ...]
    failures: tuple[Failure, ...]
    median_ms: float
    p99_ms: float


def measure(rows: Iterable[Mapping[str, str]], ask: Callable[[str], Reply]) -> Report:
    """Return how *ask* meets *rows* (columns as `EXPECTED` names them); raise `Unreadable` for a row that is none."""
    tally: dict[str, list[float]] = {}
    failures: list[Failure] = []
    times: list[float] = []
    for row in rows:
        fault = _fault(row)
        if fault is not None:
            raise Unreadable(f"“{row.get('text', '')}”: {fault}.")
        expect = row["expect"]
        reply = ask(row["text"])
        times.append(reply.ms)
        counted, right = _JUDGES[expect](row, reply)
        for name, hit in counted.items():
            tally.setdefault(name, []).append(hit)
        if not right:
            wanted = row.get("topic") if expect == "topic" else row.get("urgency") or expect
            failures.append(Failure(text=row["text"], expected=str(wanted), got=_in_words(reply)))
    figures = [
        Figure(name=name, hits=sum(tally[name]), of=len(tally[name]), at_least=low, at_most=high)
        for name, (low, high) in AIMS.items()
        if name in tally
    ]
    cut = quantiles(times * 2, n=100, method="inclusive") if times else [0.0] * 99
    return Report(
        figures=tuple(figures),
        failures=tuple(failures),
        median_ms=round(cut[49], 2),
        p99_ms=round(cut[98], 2),
    )


def _fault(row: Mapping[str, str]) -> str | None:
    """Return what is wrong with a row, or None."""
    expect = row.get("expect", "")
    if expect not in EXPECTED:
        return f"expect is '{expect}', but must be one of {', '.join(EXPECTED)}"
    empty = [name for name in EXPECTED[expect] if not row.get(name)]
    if empty:
        return f"{empty[0]} is empty; a line with expect {expect} needs it"
    if expect == "red_flag" and row["urgency"] not in [*Urgency]:
        return f"urgency is '{row['urgency']}', but must be one of {', '.join(Urgency)}"
    return None


#: The figures in the order in which they are shown: at least, at most.
AIMS: Mapping[str, tuple[float | None, float | None]] = {
    "in scope: right topic answered outright": (0.75, None),
    "in scope: right topic answered or offered": (0.95, None),
    "in scope: wrong topic answered outright": (None, 0.02),
    "in scope: read as a red flag": (None, None),
    "out of scope: a topic answered": (None, 0.01),
    "out of scope: topics offered": (None, None),
    "emergency: met with an emergency (a check counts half)": (0.98, None),
    "emergency: at least asked about": (None, None),
    "same day: met with same-day or higher": (0.92, None),
    "same day: at least asked about": (None, None),
    "routine: met with an emergency": (None, None),
    "benign: met with an emergency": (None, 0.03),
    "benign: asked about": (None, None),
}

_Judged = tuple[dict[str, float], bool]


def _topic(row: Mapping[str, str], reply: Reply) -> _Judged:
    right = {row["topic"], *row.get("also", "").replace(",", " ").split()}
    named = [topic for topic in (reply.topic, reply.also) if topic]
    answered = bool(right.intersection(named))
    offered = bool(right.intersection(reply.offered))
    return {
        "in scope: right topic answered outright": answered,
        "in scope: right topic answered or offered": answered or offered,
        "in scope: wrong topic answered outright": bool(named) and not answered,
        "in scope: read as a red flag": reply.kind in ("red_flag", "check"),
    }, answered or offered


def _out_of_scope(_row: Mapping[str, str], reply: Reply) -> _Judged:
    return {
        "out of scope: a topic answered": reply.topic is not None,
        "out of scope: topics offered": bool(reply.offered),
    }, reply.topic is None


def _red_flag(row: Mapping[str, str], reply: Reply) -> _Judged:
    wanted = Urgency(row["urgency"])
    got = Urgency(reply.urgency) if reply.kind == "red_flag" and reply.urgency else Urgency.ROUTINE
    asked = reply.kind == "check"
    if wanted is Urgency.EMERGENCY:
        hit = 1.0 if got is Urgency.EMERGENCY else 0.5 if asked else 0.0
        return {
            "emergency: met with an emergency (a check counts half)": hit,
            "emergency: at least asked about": hit > 0,
        }, hit == 1
    if wanted is Urgency.SAME_DAY:
        met = got >= Urgency.SAME_DAY
        return {
            "same day: met with same-day or higher": met,
            "same day: at least asked about": met or asked,
        }, met
    return {"routine: met with an emergency": got is Urgency.EMERGENCY}, got is not Urgency.EMERGENCY


def _benign(_row: Mapping[str, str], reply: Reply) -> _Judged:
    raised = reply.kind == "red_flag" and reply.urgency == Urgency.EMERGENCY
    return {"benign: met with an emergency": raised, "benign: asked about": reply.kind == "check"}, not raised


_JUDGES: Mapping[str, Callable[[Mapping[str, str], Reply], _Judged]] = {
    "topic": _topic,
    "red_flag": _red_flag,
    "benign": _benign,
    "out_of_scope": _out_of_scope,
}


def _in_words(reply: Reply) -> str:
    what = reply.topic or reply.red_flag or " ".join(reply.offered)
    return f"{reply.kind} {what} {reply.confidence:.2f}" if what else f"{reply.kind} {reply.confidence:.2f}"


# --- slips -----------------------------------------------------------------------------------------------


def misspelt(text: str, share: float, chance: random.Random) -> str:
    """Return *text* with one slip in about *share* (0 to 1) of its words of four letters or more."""

    def slip(match: re.Match[str]) -> str:
        return _slip(match[0], chance) if chance.random() < share else match[0]

    return re.sub(r"(?<![^\W\d_])[a-zA-Z]{4,}(?![^\W\d_])", slip, text)


def _slip(word: str, chance: random.Random) -> str:
    at = chance.randrange(len(word) - 1)
    kind = chance.choice(("missing", "doubled", "wrong", "swapped"))
    if kind == "missing":
        return word[:at] + word[at + 1 :]
    if kind == "doubled":
        return word[:at] + word[at] + word[at:]
    if kind == "wrong":
        return word[:at] + chance.choice("abcdefghijklmnopqrstuvwxyz") + word[at + 1 :]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def as_dict(report: Report) -> dict[str, Any]:
    """Return a report as plain values."""
    return {
        "figures": [
            {
                "name": figure.name,
                "share": round(figure.share, 4),
                "hits": figure.hits,
                "of": figure.of,
                "at_least": figure.at_least,
                "at_most": figure.at_most,
                "met": figure.met,
            }
            for figure in report.figures
        ],
        "failures": [asdict(failure) for failure in report.failures],
        "median_ms": report.median_ms,
        "p99_ms": report.p99_ms,
    }


def as_rows(figures: Sequence[Figure]) -> list[tuple[str, str, str, str]]:
    """Return each figure as cells: name, share, count, and whether it is as good as aimed at."""
    rows = []
    for figure in figures:
        aim = ""
        if figure.at_least is not None:
            aim = f"at least {figure.at_least:.0%}"
        elif figure.at_most is not None:
            aim = f"at most {figure.at_most:.0%}"
        mark = {True: "met", False: "missed", None: ""}[figure.met]
        rows.append(
            (figure.name, f"{figure.share:.1%}", f"{figure.hits:g} of {figure.of}", f"{aim} {mark}".strip())
        )
    return rows
