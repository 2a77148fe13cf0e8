"""After the bot was down: one message to each staff group, with from when to when, what went out late, and whom to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.message import Priority
from bot.domain.timing import PUNCTUAL
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage import groups
from bot.storage.check_ins import missed_unreminded
from bot.storage.database import Session
from bot.storage.overview import caught_up
from bot.storage.tables import CheckIn

#: A shorter stop (an update of the program, say) is not worth a word: nothing goes out late for it.
WORTH_A_WORD = timedelta(minutes=10)
#: How long Telegram keeps what people write while nobody fetches it (core.telegram.org/bots/api, "Getting updates").
TELEGRAM_KEEPS = timedelta(hours=24)
#: So many names are listed of those who came late, and of those to call: it must fit into one message; /today has them all.
MOST = 25
#: The note of a downtime of which staff have not been told yet; empty when they have. It outlives the process that
#: was to tell them.
NOTE = "down"


@dataclass(frozen=True, kw_only=True)
class Down:
    """A downtime to be told, all aware UTC.

    since: until when the bot was alive. back: when it first came back; from then on nobody was told what came too late.
    until: when the process came back that tells it, which is later if one before it died first.
    """

    since: datetime
    back: datetime
    until: datetime


def is_worth_a_word(alive_before: datetime | None, began: datetime) -> bool:
    """Tell whether staff should hear of it that the bot was down from *alive_before* until *began*."""
    return alive_before is not None and began - alive_before >= WORTH_A_WORD


def note(session: Session, alive_before: datetime | None, began: datetime) -> None:
    """Note that staff must hear of a downtime, if it is worth a word; call it in the transaction that takes the lease.

    A downtime that was noted before, and not told, lasts until *began*.
    """
    before = noted(session)
    if before is not None:
        moments = before.since, before.back, began
    elif alive_before is not None and is_worth_a_word(alive_before, began):
        moments = alive_before, began, began
    else:
        return
    groups.write_note(session, NOTE, " ".join(moment.isoformat() for moment in moments))


def noted(session: Session) -> Down | None:
    """Return the downtime of which staff have not been told yet, if there is one."""
    text = groups.note(session, NOTE)
    if not text:
        return None
    since, back, until = map(datetime.fromisoformat, text.split())
    return Down(since=since, back=back, until=until)


def tell_noted(session: Session, tools: Tools, now: datetime) -> int:
    """Tell staff of the downtime that was noted and forget the note, in one transaction; return how many groups."""
    down = noted(session)
    if down is None:
        return 0
    groups.write_note(session, NOTE, "")
    return tell_staff(session, tools, down.since, down.until, now, back=down.back)


def tell_staff(
    session: Session,
    tools: Tools,
    alive_before: datetime,
    began: datetime,
    now: datetime,
    *,
    back: datetime | None = None,
) -> int:
    """Tell each bound staff group what a downtime meant, after everything due has been put out; return how many groups.

    *back*: since when nobody was told what came too late, if that is longer than since *began*.
    """
    told = 0
    for branch in tools.settings.clinic.branches:
        staff = Turn.with_group(session, tools, 0, branch.id, now).staff()
        if staff is None:
            continue
        found = caught_up(session, branch.id, back or began, began - PUNCTUAL)
        missed = missed_unreminded(session, branch.id, back or began)
        late = [row for row in found.late if row.sent_at is not None and row.sent_at - row.due_at > PUNCTUAL]
        parts = [staff.text("down", since=staff.when(alive_before), until=staff.when(began))]
        if began - alive_before > TELEGRAM_KEEPS:
            parts.append(staff.text("down_too_long", before=staff.when(began - TELEGRAM_KEEPS)))
        if late:
            labels = ", ".join(row.treatment.label for row in late[:MOST])
            labels += ", …" if len(late) > MOST else ""
            parts.append(staff.text("down_late", number=len(late), labels=labels))
        room = max(0, MOST - len(found.expired))
        if found.expired:
            parts.append(_list(staff, staff.text("expired_head"), found.expired, MOST))
        if missed:
            parts.append(_list(staff, staff.text("unreminded_head"), missed, room))
        if not late and not found.expired and not missed:
            parts.append(staff.text("down_nothing"))
        staff.say("\n\n".join(parts), priority=Priority.DIGEST, in_group=True)
        told += 1
    return told


def _list(staff: Turn, head: str, rows: Sequence[CheckIn], most: int) -> str:
    """Write whom to call: *most* of them, and how many more there are."""
    lines = [
        staff.text("expired_line", label=row.treatment.label, when=staff.when(row.due_at))
        for row in rows[:most]
    ]
    if len(rows) > most:
        lines.append(staff.text("down_more", number=len(rows) - most))
    return "\n".join([head, *lines])
