"""Staff groups, the one-time codes that bind them, half-filled registrations, and small notes of the program."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.storage import outbox
from bot.storage.tables import Draft, Note, SetupCode, StaffGroup

#: What the note of an old id begins with.
_MOVED = "moved:"


def of_branch(session: Session, branch_id: str) -> StaffGroup | None:
    """Return the group of a branch, if one is bound."""
    return session.get(StaffGroup, branch_id)


def by_chat(session: Session, chat_id: int) -> StaffGroup | None:
    """Return the group that is this chat, if it is bound to a branch."""
    return session.scalar(select(StaffGroup).where(StaffGroup.chat_id == chat_id))


def bind(session: Session, branch_id: str, chat_id: int, title: str, by: str, now: datetime) -> StaffGroup:
    """Make a chat the group of a branch, in place of the one it had, and of the branch the chat had."""
    session.execute(
        delete(StaffGroup).where((StaffGroup.branch_id == branch_id) | (StaffGroup.chat_id == chat_id))
    )
    group = StaffGroup(
        branch_id=branch_id, chat_id=chat_id, title=title[:256], bound_at=now, bound_by=by[:256]
    )
    session.add(group)
    session.flush()
    return group


def unbind(session: Session, chat_id: int) -> str | None:
    """Forget a group that is gone, and return its branch."""
    group = by_chat(session, chat_id)
    if group is None:
        return None
    session.delete(group)
    return group.branch_id


def migrate(session: Session, old: int, new: int) -> bool:
    """Follow a group that became a supergroup; False if it is none of ours (or was followed before).

    Its old id is remembered: buttons under its old messages still name it.
    """
    group = by_chat(session, old)
    if group is None or old == new:
        return False
    write_note(session, f"{_MOVED}{old}", str(new))
    if by_chat(session, new) is not None:
        session.delete(group)  # it was bound anew there before this word came
        session.flush()
    else:
        group.chat_id = new
    outbox.follow_chat(session, old, new)
    return True


def now_at(session: Session, chat_id: int) -> int:
    """Return the id that a group has now: another one, if it became a supergroup since it had this."""
    seen = {chat_id}
    while (moved := note(session, f"{_MOVED}{chat_id}")) is not None and int(moved) not in seen:
        chat_id = int(moved)
        seen.add(chat_id)
    return chat_id


def earlier(session: Session, chat_id: int) -> list[int]:
    """Return the ids that a group had before it became the supergroup with this one."""
    moved = select(Note.key).where(Note.key.startswith(_MOVED), Note.value == str(chat_id))
    return [int(key.removeprefix(_MOVED)) for key in session.scalars(moved)]


def add_setup_code(session: Session, branch_id: str, code_hash: str, expires_at: datetime) -> None:
    """Keep a new set-up code for a branch; its earlier ones stop working."""
    session.execute(delete(SetupCode).where(SetupCode.branch_id == branch_id))
    session.add(SetupCode(code_hash=code_hash, branch_id=branch_id, expires_at=expires_at))


def use_setup_code(session: Session, code_hash: str, now: datetime) -> str | None:
    """Return the branch a code is for and use it up; None if it is unknown, used or too old."""
    code = session.get(SetupCode, code_hash)
    if code is None or code.used_at is not None or code.expires_at <= now:
        return None
    code.used_at = now
    return code.branch_id


def new_draft(session: Session, chat_id: int, user_id: int, data: dict[str, Any], now: datetime) -> Draft:
    """Start a registration."""
    draft = Draft(chat_id=chat_id, user_id=user_id, created_at=now, data=data)
    session.add(draft)
    session.flush()
    return draft


def draft(session: Session, draft_id: int) -> Draft | None:
    """Return a registration that is being filled in."""
    return session.get(Draft, draft_id)


def drop_drafts(session: Session, before: datetime) -> None:
    """Forget registrations nobody finished."""
    session.execute(delete(Draft).where(Draft.created_at < before))


def note(session: Session, key: str) -> str | None:
    """Return a note of the program."""
    row = session.get(Note, key)
    return row.value if row else None


def write_note(session: Session, key: str, value: str) -> None:
    """Keep a note of the program, in place of the old one."""
    session.merge(Note(key=key, value=value))
