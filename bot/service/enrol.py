"""Enrolling: a treatment is registered, an invite handed over, consent given, and the check-ins are on their way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.code import INVITE_LENGTH, code_from, grouped, hash_code, read_code
from bot.domain.message import Button, Incoming
from bot.domain.patient import CheckInState, TreatmentState
from bot.domain.text import normalise
from bot.domain.timing import schedule
from bot.domain.trouble import Trouble
from bot.service import follow_up
from bot.service.ports import Tools
from bot.service.reschedule import reschedule
from bot.service.turn import Turn
from bot.storage import check_ins, groups, patients, treatments
from bot.storage.database import Session
from bot.storage.outbox import Purpose
from bot.storage.tables import CheckIn, Invite, Treatment

#: The note that holds the bot's user name, written when the bot starts.
BOT_NAME = "bot_user_name"
#: How far in the future a treatment may lie (a clock that is off, a session just ending), and in the past.
EARLIEST, LATEST = timedelta(days=14), timedelta(minutes=15)


class NotRegistered(Trouble):
    """The treatment cannot be registered; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A treatment that was registered: its invite (shown once) and its check-ins.

    link: None while the bot's user name is not known (it has never run).
    """

    treatment: Treatment
    code: str
    link: str | None
    expires_at: datetime
    check_ins: tuple[CheckIn, ...]


# --- the clinic's side -----------------------------------------------------------------------------------


def register(
    session: Session,
    tools: Tools,
    now: datetime,
    *,
    label: str,
    treated_at: datetime,
    regions: Sequence[str],
    by: str,
    branch_id: str | None = None,
    plan: str | None = None,
) -> Registered:
    """Register a treatment and make its invite; raise `NotRegistered` if something about it cannot be.

    treated_at: aware; up to 14 days ago (what is still to come is scheduled) and at most 15 minutes ahead.
    """
    label = " ".join(label.split())
    plans = tools.library.plans
    if not 1 <= len(label) <= 40:
        raise NotRegistered("The label must have 1 to 40 characters, such as A1023.")
    if unknown := [region for region in regions if region not in plans.regions]:
        raise NotRegistered(f"There is no region '{unknown[0]}'; there are {', '.join(plans.regions)}.")
    if plan is not None and plan not in plans.plans:
        raise NotRegistered(f"There is no plan '{plan}'; there are {', '.join(plans.plans)}.")
    ids = [branch.id for branch in tools.settings.clinic.branches]
    if branch_id is not None and branch_id not in ids:
        raise NotRegistered(f"There is no branch '{branch_id}'; there are {', '.join(ids)}.")
    if treated_at > now + LATEST:
        raise NotRegistered("The treatment lies in the future; register it when it is over.")
    if treated_at < now - EARLIEST:
        raise NotRegistered("The treatment is more than 14 days ago; its check-ins are long over.")
    branch = tools.settings.branch(branch_id)
    treatment = treatments.add(
        session,
        branch_id=branch.id,
        label=label,
        treated_at=treated_at,
        regions=regions,
        plan=plan or plans.for_regions(tuple(regions)),
        by=by,
        now=now,
    )
    steps = plans.plans[treatment.plan].steps
    rows = []
    for due in schedule(treated_at, steps, tools.settings.quiet, tools.settings.zone(branch.id)):
        step = next(step for step in steps if step.id == due.step)
        if due.at + step.grace > now:
            rows.append(check_ins.add(session, treatment, step.id, due.at, due.at + step.grace))
    code, expires_at = new_invite(session, tools, treatment, now)
    return Registered(
        treatment=treatment,
        code=grouped(code),
        link=link_for(session, code),
        expires_at=expires_at,
        check_ins=tuple(rows),
    )


def new_invite(session: Session, tools: Tools, treatment: Treatment, now: datetime) -> tuple[str, datetime]:
    """Make a new invite for a treatment (earlier ones stop working) and return its code and its end."""
    code = code_from(tools.random_bits(5 * INVITE_LENGTH), INVITE_LENGTH)
    expires_at = now + timedelta(days=tools.settings.invites.valid_days)
    treatments.add_invite(session, treatment.id, hash_code(code), now, expires_at)
    return code, expires_at


def link_for(session: Session, code: str) -> str | None:
    """Return the link that opens the bot with *code*, or None while the bot's user name is not known."""
    name = groups.note(session, BOT_NAME)
    return f"https://t.me/{name}?start={code}" if name else None


def cancel(session: Session, tools: Tools, treatment: Treatment, now: datetime) -> int:
    """Cancel a treatment: nothing more is asked about it. Return how many check-ins fell away."""
    treatment.state = TreatmentState.CANCELLED
    rows = check_ins.of_treatment(session, treatment.id)
    ended = check_ins.end_open(session, rows, CheckInState.CANCELLED, now)
    if treatment.patient_id is not None and ended:
        patient = patients.by_id(session, treatment.patient_id)
        if patient is not None and patient.stopped_at is None and patient.unreachable_at is None:
            turn = Turn.with_patient(session, tools, patient, now)
            for row in ended:
                follow_up.withdraw(turn, row)
            turn.say(turn.text("cancelled_by_clinic"))
    return len(ended)


# --- the patient's side ----------------------------------------------------------------------------------


def start(turn: Turn, incoming: Incoming) -> None:
    """Answer /start: with a code the invitation, without one a welcome."""
    if incoming.arguments:
        _invited(turn, incoming.arguments)
    elif turn.patient is not None and turn.patient.stopped_at is not None:
        turn.say(turn.text("welcome_stopped"), ((turn.button("button_resume", "resume"),), _menu(turn)))
    elif turn.patient is not None:
        turn.say(f"{turn.text('welcome_back')} {next_words(turn)}".strip(), (_menu(turn),))
    else:
        turn.say(turn.text("welcome_stranger"), (_menu(turn), (turn.button("button_code", "code"),)))


def how_to_enter_code(turn: Turn, _incoming: Incoming) -> None:
    """Say how to enter a code."""
    turn.say(turn.text("code_how"))


def code_typed(turn: Turn, incoming: Incoming) -> None:
    """Take a code that was typed or pasted."""
    _invited(turn, incoming.text)


def _invited(turn: Turn, typed: str) -> None:
    code = read_code(typed, INVITE_LENGTH)
    invite = treatments.invite_by_hash(turn.session, hash_code(code)) if code else None
    problem = _problem(turn, invite)
    if problem is not None or code is None or invite is None:
        turn.say(turn.text(problem or "invite_unknown"), (_menu(turn),))
        return
    invite.opened_at = invite.opened_at or turn.now
    treatment = treatments.by_id(turn.session, invite.treatment_id)
    asking = _at_branch(turn, treatment)
    settings = turn.tools.settings
    asking.say(
        asking.text(
            "consent",
            days=settings.retention.patients_days,
            message_days=settings.retention.messages_days,
            code=grouped(code),
        ),
        (
            (Button(label=asking.language.phrases["button_agree"], data=f"agree:{code}"),),
            (asking.button("button_decline", "decline"),),
        ),
        purpose=Purpose.STRANGER if turn.patient is None else Purpose.SECRET,
    )


def _problem(turn: Turn, invite: Invite | None) -> str | None:
    """Return the phrase that says why an invite cannot be used, or None if it can."""
    if invite is None:
        return "invite_unknown"
    treatment = treatments.by_id(turn.session, invite.treatment_id)
    if treatment is None or treatment.state == TreatmentState.CANCELLED:
        return "invite_cancelled"
    if invite.used_at is not None:
        mine = turn.patient is not None and treatment.patient_id == turn.patient.id
        return "invite_already_mine" if mine else "invite_used"
    if invite.expires_at <= turn.now:
        return "invite_expired"
    return None


def agree_in_words(turn: Turn, incoming: Incoming) -> bool:
    """Take "agree <code>" or "yes <code>" as consent; a bare yes without a question gets a word on how. True if taken."""
    first, _space, rest = incoming.text.strip().partition(" ")
    if normalise(first) in turn.language.yes_words and (code := read_code(rest, INVITE_LENGTH)):
        _agree(turn, code, incoming)
        return True
    said = normalise(incoming.text).strip(" .!")
    is_chat = any(
        said in talk.asks for id_, talk in turn.language.small_talk.items() if id_ != "yes"
    )  # "ok" after an answer, say
    if turn.patient is None and said in turn.language.yes_words and not is_chat:
        turn.say(turn.text("agree_how"))
        return True
    return False


def agree(turn: Turn, incoming: Incoming) -> None:
    """Take the tap on "I agree"."""
    code = read_code((incoming.data or "").partition(":")[2], INVITE_LENGTH)
    if code is None:
        turn.say(turn.text("invite_unknown"), (_menu(turn),))
        return
    _agree(turn, code, incoming)


def decline(turn: Turn, incoming: Incoming) -> None:
    """Take the tap on "No": nothing was stored, nothing is."""
    turn.edit(turn.text("declined"), (_menu(turn),), message_id=incoming.message_id)


def _agree(turn: Turn, code: str, incoming: Incoming) -> None:
    invite = treatments.invite_by_hash(turn.session, hash_code(code))
    problem = _problem(turn, invite)
    if problem is not None or invite is None:
        turn.say(turn.text(problem or "invite_unknown"), (_menu(turn),))
        return
    treatment = treatments.by_id(turn.session, invite.treatment_id)
    assert treatment is not None  # noqa: S101 (no problem was found above)
    # 1. The consent, 2. the invite is used up, 3. the treatment is this patient's, 4. earlier ones give way.
    patient = patients.agree(
        turn.session,
        chat_id=turn.chat_id,
        name=incoming.sender.name,
        language=turn.language.code,
        branch_id=treatment.branch_id,
        now=turn.now,
    )
    invite.opened_at = invite.opened_at or turn.now
    invite.used_at = turn.now
    treatment.patient_id = patient.id
    mine = Turn.with_patient(turn.session, turn.tools, patient, turn.now)
    _supersede_others(mine, treatment)
    for row in check_ins.of_treatment(turn.session, treatment.id):
        row.patient_id = patient.id
    turn.session.flush()
    if incoming.data is not None and incoming.message_id is not None:
        mine.edit(mine.text("consent_given"), message_id=incoming.message_id)
    if patient.time_zone is not None:
        reschedule(mine)
    mine.say(
        " ".join(filter(None, (mine.text("welcome_patient"), next_words(mine), _whose_time(mine)))),
        (_menu(mine),),
    )


def _supersede_others(turn: Turn, treatment: Treatment) -> None:
    assert turn.patient is not None  # noqa: S101 (the caller has just enrolled them)
    for other in treatments.all_of(turn.session, turn.patient.id):
        if other.id == treatment.id or other.state != TreatmentState.ACTIVE:
            continue
        other.state = TreatmentState.SUPERSEDED
        rows = check_ins.of_treatment(turn.session, other.id)
        for row in check_ins.end_open(turn.session, rows, CheckInState.SUPERSEDED, turn.now):
            follow_up.withdraw(turn, row)


def reached_again(turn: Turn) -> None:
    """Note that a patient who could not be reached is back: what is still to come is asked again."""
    assert turn.patient is not None  # noqa: S101 (the caller looked)
    turn.patient.unreachable_at = None
    if turn.patient.stopped_at is None:
        check_ins.resume(turn.session, turn.patient.id, turn.now)
        reschedule(turn)


def resume(turn: Turn, _incoming: Incoming) -> None:
    """Ask again after a stop: what is still to come is scheduled again."""
    if turn.patient is None:
        turn.say(turn.text("welcome_stranger"), (_menu(turn), (turn.button("button_code", "code"),)))
        return
    turn.patient.stopped_at = None
    check_ins.resume(turn.session, turn.patient.id, turn.now)
    reschedule(turn)
    turn.say(f"{turn.text('resumed')} {next_words(turn)}".strip())


def next_words(turn: Turn) -> str:
    """Say when the next check-in comes, or nothing if none does."""
    assert turn.patient is not None  # noqa: S101 (only patients have check-ins)
    upcoming = check_ins.next_of(turn.session, turn.patient.id)
    if upcoming is None:
        return ""
    if upcoming.due_at <= turn.now:
        return turn.text("next_now")
    return turn.text("next_check_in", when=turn.when(upcoming.due_at))


def _whose_time(turn: Turn) -> str:
    """Say which place's time counts, where a patient set one in an earlier treatment."""
    assert turn.patient is not None  # noqa: S101 (they have just agreed)
    zone = turn.patient.time_zone
    return (
        turn.text("time_zone_note", place=turn.language.atlas.place_of(zone).name) if zone is not None else ""
    )


def _at_branch(turn: Turn, treatment: Treatment | None) -> Turn:
    """Return the turn with the branch that invites, so that name and phone are that branch's."""
    return turn if treatment is None else replace(turn, branch_id=treatment.branch_id)


def _menu(turn: Turn) -> tuple[Button, ...]:
    return (turn.button("button_menu", "menu"),)
