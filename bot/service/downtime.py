"""After the bot was down: one message to each staff group, with from when to when, what went out late, and whom to call."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.message import Priority
from bot.domain.timing import PUNCTUAL
from bot.service.ports import Tools
from bot.service.turn import Turn
from bot.storage.database import Session
from bot.storage.overview import caught_up

#: A shorter stop (an update of the program, say) is not worth a word: nothing goes out late for it.
WORTH_A_WORD = timedelta(minutes=10)
#: How long Telegram keeps what people write while nobody fetches it (core.telegram.org/bots/api, "Getting updates").
TELEGRAM_KEEPS = timedelta(hours=24)
#: So many names of a kind are listed, for it must fit into one message; /today has them all.
MOST = 25


def is_worth_a_word(alive_before: datetime | None, began: datetime) -> bool:
    """Tell whether staff should hear of it that the bot was down from *alive_before* until *began*."""
    return alive_before is not None and began - alive_before >= WORTH_A_WORD


def tell_staff(session: Session, tools: Tools, alive_before: datetime, began: datetime, now: datetime) -> int:
    """Tell each bound staff group what a downtime meant, after everything due has been put out; return how many groups."""
    told = 0
    for branch in tools.settings.clinic.branches:
        staff = Turn.with_group(session, tools, 0, branch.id, now).staff()
        if staff is None:
            continue
        found = caught_up(session, branch.id, began, began - PUNCTUAL)
        parts = [staff.text("down", since=staff.when(alive_before), until=staff.when(began))]
        if began - alive_before > TELEGRAM_KEEPS:
            parts.append(staff.text("down_too_long", before=staff.when(began - TELEGRAM_KEEPS)))
        if found.late:
            labels = ", ".join(row.treatment.label for row in found.late[:MOST])
            labels += ", …" if len(found.late) > MOST else ""
            parts.append(staff.text("down_late", number=len(found.late), labels=labels))
        if found.expired:
            lines = [
                staff.text("expired_line", label=row.treatment.label, when=staff.when(row.due_at))
                for row in found.expired[:MOST]
            ]
            if len(found.expired) > MOST:
                lines.append(staff.text("down_more", number=len(found.expired) - MOST))
            parts.append("\n".join([staff.text("expired_head"), *lines]))
        if not found.late and not found.expired:
            parts.append(staff.text("down_nothing"))
        staff.say("\n\n".join(parts), priority=Priority.DIGEST, in_group=True)
        told += 1
    return told
