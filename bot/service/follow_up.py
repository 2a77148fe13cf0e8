"""The conversation of a check-in: one question at a time; taps and words are equal; answers can be changed."""

from __future__ import annotations

from bot.domain.check_in import next_question, read_answers
from bot.domain.message import Button, Incoming, Rows
from bot.domain.patient import CheckInState, TreatmentState
from bot.domain.plan import Question
from bot.domain.text import normalise
from bot.domain.triage import Urgency
from bot.service import alarm, announce, hand_off
from bot.service.announce import slot_of, step_of
from bot.service.turn import Turn
from bot.storage import check_ins, outbox, treatments
from bot.storage.tables import CheckIn

# --- on request ------------------------------------------------------------------------------------------


def on_request(turn: Turn, incoming: Incoming) -> None:
    """Answer /checkin: the open check-in, or one that starts now."""
    if turn.patient is None:
        turn.say(turn.text("check_in_stranger"), ((turn.button("button_code", "code"),),))
        return
    row = check_ins.open_of(turn.session, turn.patient.id) or _start_now(turn)
    if row is None:
        turn.say(turn.text("check_in_none"), ((turn.button("button_menu", "menu"),),))
        return
    _show(turn, row)


def _start_now(turn: Turn) -> CheckIn | None:
    """Open a check-in out of turn: the one that was due and waits for the day, else the step whose hour is nearest."""
    assert turn.patient is not None  # noqa: S101 (the caller looked)
    waits = check_ins.next_of(turn.session, turn.patient.id)
    if waits is not None and announce.planned_for(turn, waits) <= turn.now:
        announce.mark_sent(turn, waits)
        return waits
    treatment = treatments.active_of(turn.session, turn.patient.id)
    plan = turn.tools.library.plans.plans.get(treatment.plan) if treatment else None
    if treatment is None or plan is None:
        return None
    elapsed = turn.now - treatment.treated_at
    step = min(plan.steps, key=lambda step: abs(step.after - elapsed))
    row = check_ins.add(turn.session, treatment, step.id, turn.now, turn.now + step.grace)
    announce.mark_sent(turn, row)
    return row


# --- answering -------------------------------------------------------------------------------------------


def tapped(turn: Turn, incoming: Incoming) -> None:
    """Take a tap on any button of any check-in, however old: it works, or says why not."""
    parts = (incoming.data or "").split(":")
    if len(parts) == 1:  # "back to the check-in", under an answer
        on_request(turn, incoming)
        return
    row = check_ins.by_id(turn.session, int(parts[1])) if parts[1].isdigit() else None
    if row is None or turn.patient is None or row.patient_id != turn.patient.id:
        turn.say(turn.text("check_in_not_yours"), ((turn.button("button_menu", "menu"),),))
        return
    if row.state in (CheckInState.SUPERSEDED, CheckInState.CANCELLED):
        turn.edit(turn.text(f"check_in_{row.state}"), message_id=incoming.message_id)
        return
    plan = turn.tools.library.plans
    action, value = parts[2], parts[3] if len(parts) > 3 else None
    question = plan.questions.get(action)
    if action == "fix" and value is None:
        _choose_correction(turn, row, incoming.message_id)
    elif action == "fix" and value in row.answers:
        row.correcting = value
        _show(turn, row, message_id=incoming.message_id)
    elif question is not None and value in question.values() and question in _questions(turn, row):
        _take(turn, row, {question.id: value}, message_id=incoming.message_id)
    else:
        _show(turn, row, message_id=incoming.message_id)


def answer_in_words(turn: Turn, incoming: Incoming) -> bool:
    """Take typed words as answers to the open check-in; False if they are none."""
    row = check_ins.open_of(turn.session, turn.patient.id) if turn.patient else None
    if row is None:
        return False
    waiting = _waiting(turn, row)
    reading = read_answers(incoming.text, waiting, turn.language.answer_words)
    begins = normalise(incoming.text).strip(" .!") in turn.language.yes_words
    if row.started_at is None and (begins or reading is not None):
        # It has only been announced: "ok" is no answer to a question that nobody has read.
        _show(turn, row)
        return True
    if reading is None:
        return False
    if reading.out_of_range:
        scale = next(question for question in waiting if question.scale_to is not None)
        turn.say(turn.text("answer_out_of_range", most=scale.scale_to))
        return True
    _take(turn, row, dict(reading.answers))
    return True


def _take(turn: Turn, row: CheckIn, values: dict[str, str], *, message_id: int | None = None) -> None:
    """Store answers, act on the worrying ones, and go on to the next question."""
    before = row.answers
    changed = {id_: value for id_, value in values.items() if before.get(id_) != value}
    row.answers = {**row.answers, **changed}
    row.correcting = None
    row.nudge_at = turn.now + announce.patience(turn, row) if row.state == CheckInState.SENT else None
    emergency = False
    for question in _questions(turn, row):
        if question.id not in changed:
            continue
        option = question.option_for(changed[question.id])
        words = turn.tools.library.language(None).questions[question.id]
        label = words.label(question, changed[question.id])
        if option.red_flag or option.alert:
            urgency = alarm.worrying_answer(turn, option, f"{words.name}:", label)
            emergency = emergency or urgency is Urgency.EMERGENCY
        elif question.id in before and question.option_for(before[question.id]).red_flag:
            hand_off.corrected(turn, words.name, label)
    if emergency or next_question(_questions(turn, row), row.answers) is None:
        _complete(turn, row)
    _show(turn, row, message_id=message_id, cut_short=emergency)


def _complete(turn: Turn, row: CheckIn) -> None:
    if row.state != CheckInState.ANSWERED:
        row.state = CheckInState.ANSWERED
        row.ended_at = turn.now
    row.nudge_at = None


def withdraw(turn: Turn, row: CheckIn) -> None:
    """Take back the announcement of a check-in, or whatever else of it has not left yet."""
    outbox.cancel(turn.session, turn.chat_id, slot=slot_of(row))


# --- showing ---------------------------------------------------------------------------------------------


def _show(turn: Turn, row: CheckIn, *, message_id: int | None = None, cut_short: bool = False) -> None:
    """Show a check-in as it stands: in the tapped message, or, after typed words, in a new one below them."""
    if row.started_at is None:
        row.started_at = turn.now
        withdraw(turn, row)  # what still waits to announce it is not needed any more
    turn.tools.recent.forget(turn.chat_id)
    text, rows = _page(turn, row, cut_short)
    if message_id is not None:
        turn.edit(text, rows, message_id=message_id, slot=slot_of(row))
        return
    if outbox.message_in_slot(turn.session, turn.chat_id, slot_of(row)) is not None:
        # The question moves below the patient's words; above stays what has been answered so far.
        head = _head(turn, row)
        turn.edit(head + "\n\n" + turn.text("check_in_below"), slot=slot_of(row))
    turn.say(text, rows, slot=slot_of(row))


def _page(turn: Turn, row: CheckIn, cut_short: bool) -> tuple[str, Rows]:
    question = _asked(turn, row)
    if cut_short or question is None:
        return _summary(turn, row, cut_short)
    words = turn.language.questions[question.id]
    buttons = _answer_buttons(turn, row, question)
    if row.answers and row.correcting is None:
        buttons = (*buttons, (turn.button("button_change", f"ci:{row.id}:fix"),))
    return f"{_head(turn, row)}\n\n<b>{turn.fill(words.ask)}</b>", buttons


def _head(turn: Turn, row: CheckIn) -> str:
    step = turn.language.steps.get(row.step)
    lines = [f"<b>{turn.fill(step.title) if step else ''}</b>"]
    for question in _questions(turn, row):
        if question.id in row.answers and question.id != row.correcting:
            words = turn.language.questions[question.id]
            lines.append(
                f"✓ {turn.fill(words.name)}: {turn.fill(words.label(question, row.answers[question.id]))}"
            )
    return "\n".join(lines)


def _summary(turn: Turn, row: CheckIn, cut_short: bool) -> tuple[str, Rows]:
    """Write the end: what was answered, what is normal at this hour, advice that fits, and when the next one comes."""
    parts = [_head(turn, row)]
    if cut_short or _has_emergency(turn, row):
        parts.append(turn.text("check_in_cut_short"))
    else:
        step = turn.language.steps.get(row.step)
        if step is not None:
            parts.append(turn.fill(step.normal))
        parts += _advice(turn, row)
        upcoming = check_ins.next_of(turn.session, row.patient_id) if row.patient_id else None
        if upcoming is not None:
            parts.append(turn.text("check_in_next", when=turn.when(upcoming.due_at)))
        else:
            parts.append(turn.text("check_in_last"))
    change = turn.button("button_change", f"ci:{row.id}:fix")
    return "\n\n".join(parts), ((change,), (turn.button("button_write_clinic", "ho:write"),))


def _advice(turn: Turn, row: CheckIn) -> list[str]:
    """Return the advice for each answer; a red flag has had its own words already."""
    found = []
    for question in _questions(turn, row):
        if question.id in row.answers:
            option = question.option_for(row.answers[question.id])
            template = turn.language.questions[question.id].advice_for(option)
            if template is not None:
                found.append(turn.fill(template))
            elif option.red_flag is not None:
                found.append(turn.text("check_in_flagged"))
    return list(dict.fromkeys(found))


def _choose_correction(turn: Turn, row: CheckIn, message_id: int | None) -> None:
    rows: Rows = tuple(
        (
            Button(
                label=turn.language.questions[question.id].name,
                data=f"ci:{row.id}:fix:{question.id}",
            ),
        )
        for question in _questions(turn, row)
        if question.id in row.answers
    )
    back = (turn.button("button_back", f"ci:{row.id}:show"),)
    turn.edit(f"{_head(turn, row)}\n\n{turn.text('check_in_change')}", (*rows, back), message_id=message_id)


def _answer_buttons(turn: Turn, row: CheckIn, question: Question) -> Rows:
    if question.scale_to is not None:
        buttons = [
            Button(label=value, data=f"ci:{row.id}:{question.id}:{value}") for value in question.values()
        ]
        half = (len(buttons) + 1) // 2
        return (tuple(buttons[:half]), tuple(buttons[half:]))
    labels = turn.language.questions[question.id].labels
    return tuple(
        (Button(label=labels[value], data=f"ci:{row.id}:{question.id}:{value}"),)
        for value in question.values()
    )


# --- reading the plan ------------------------------------------------------------------------------------


def _questions(turn: Turn, row: CheckIn) -> list[Question]:
    step = step_of(turn, row)
    known = turn.tools.library.plans.questions
    return [known[id_] for id_ in step.questions] if step else []


def _asked(turn: Turn, row: CheckIn) -> Question | None:
    """Return the question to show now: the one being changed, else the first without an answer."""
    questions = _questions(turn, row)
    if row.correcting is not None:
        return next((question for question in questions if question.id == row.correcting), None)
    if _has_emergency(turn, row):
        return None
    return next_question(questions, row.answers)


def _waiting(turn: Turn, row: CheckIn) -> list[Question]:
    asked = _asked(turn, row)
    if asked is None:
        return []
    rest = [q for q in _questions(turn, row) if q.id not in row.answers and q.id != asked.id]
    return [asked, *rest]


def _has_emergency(turn: Turn, row: CheckIn) -> bool:
    urgencies = turn.tools.library.urgencies
    return any(
        urgencies.get(question.option_for(row.answers[question.id]).red_flag or "") is Urgency.EMERGENCY
        for question in _questions(turn, row)
        if question.id in row.answers
    )


def is_followed(row: CheckIn) -> bool:
    """Tell whether a due check-in may still be asked: the treatment is active, the patient here and willing."""
    patient = row.treatment.patient
    return (
        row.treatment.state == TreatmentState.ACTIVE
        and patient is not None
        and patient.stopped_at is None
        and patient.unreachable_at is None
    )
