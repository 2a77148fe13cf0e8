"""Tests of `bot.logs`: never a token, never what an exception says, one record a line."""

import asyncio
import gc
import json
import logging
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Literal

import pytest
from telegram import Bot
from telegram.error import TelegramError
from telegram.request import BaseRequest

from bot.domain.trouble import Trouble
from bot.logs import scrub, set_up
from tests.kit.offline import OfflineRequest

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
WORDS = "my chest hurts"
LOG = logging.getLogger("aftercare.test")

Kind = Literal["text", "json"]
KINDS: tuple[Kind, ...] = ("text", "json")
Printed = Callable[[], str]
both = pytest.mark.parametrize("kind", KINDS)


class Urgency(StrEnum):
    """A word."""

    SAME_DAY = "same_day"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Keep pytest's own handlers away during a test, and put everything back afterwards."""
    root = logging.getLogger()
    kept = root.handlers[:]
    names = (
        "httpx",
        "httpcore",
        "apscheduler",
        "telegram",
        "alembic",
        "uvicorn",
        "sqlalchemy",
        "psycopg",
        "asyncio",
    )
    levels = {name: logging.getLogger(name).level for name in (None, *names)}
    raises = logging.raiseExceptions
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    root.handlers[:] = []
    yield
    root.handlers[:] = kept
    logging.raiseExceptions = raises
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """Give a function that returns what stands on standard error since it was asked last."""

    def read() -> str:
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err

    return read


def _fail(words: str) -> None:
    raise ValueError(words)


def _fail_because(words: str) -> None:
    try:
        _fail(words)
    except ValueError as error:
        raise KeyError(words) from error


def _fail_while_failing(words: str) -> None:
    try:
        _fail(words)
    except ValueError:
        raise KeyError(words)  # noqa: B904 (a failure while handling another)


# --- tokens ----------------------------------------------------------------------------------------------


def _message() -> None:
    LOG.info(f"POST https://api.telegram.org/bot{TOKEN}/sendMessage")


def _args() -> None:
    LOG.info("The address is %s%s.", "https://api.telegram.org/bot", TOKEN)


def _extra() -> None:
    LOG.info("Sent.", extra={"address": f"/bot{TOKEN}/getMe"})


def _nested_extra() -> None:
    LOG.info("Sent.", extra={"request": {"path": [f"/bot{TOKEN}/getMe"]}})


def _object_in_extra() -> None:
    LOG.info("Sent.", extra={"error": ValueError(TOKEN)})


def _exception() -> None:
    try:
        _fail(f"https://api.telegram.org/bot{TOKEN}/getMe")
    except ValueError:
        LOG.exception("It failed with %s.", TOKEN)


def _source_line() -> None:
    try:
        _fail("123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc")
    except ValueError:
        LOG.exception("It failed.")


def _logger_name() -> None:
    logging.getLogger(f"bot.{TOKEN}").warning("Hello.")


def _bad_arguments() -> None:
    LOG.info("%d sent", TOKEN)


@both
@pytest.mark.parametrize(
    "write",
    [
        _message,
        _args,
        _extra,
        _nested_extra,
        _object_in_extra,
        _exception,
        _source_line,
        _logger_name,
        _bad_arguments,
    ],
)
def test_no_token_is_ever_printed(kind: Kind, write: Callable[[], None], printed: Printed) -> None:
    """Wherever a bot token turns up in a record, it is not in the log; the record itself is."""
    set_up(kind)

    write()

    out = printed()
    assert out
    assert TOKEN not in out
    assert TOKEN.partition(":")[2] not in out


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"/bot{TOKEN}/getMe", "/bot<token>/getMe"),
        (f"{TOKEN} and {TOKEN}", "<token> and <token>"),
        (f"({TOKEN})", "(<token>)"),
        ("at 12:30:00", "at 12:30:00"),  # a time of day
        ("chat 123456789: hello", "chat 123456789: hello"),  # an id before a colon
        ("", ""),
    ],
)
def test_scrubbing_takes_tokens_and_nothing_else(text: str, clean: str) -> None:
    """Each token becomes a mark; everything else stays as it is."""
    assert scrub(text) == clean


# --- what exceptions say ---------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("fail", "named"),
    [
        (_fail, ["builtins.ValueError"]),
        (_fail_because, ["builtins.KeyError", "caused by", "builtins.ValueError"]),
        (_fail_while_failing, ["builtins.KeyError"]),
    ],
)
def test_an_exception_is_named_but_not_quoted(
    kind: Kind, fail: Callable[[str], None], named: list[str], printed: Printed
) -> None:
    """The log says which kind of error came from where, and never its message: that may be a patient's words."""
    set_up(kind)

    try:
        fail(WORDS)
    except (ValueError, KeyError):
        LOG.exception("A handler failed.", extra={"action": "handler"})

    out = printed()
    assert "A handler failed." in out
    assert "test_logs.py" in out
    assert "in _fail" in out
    positions = [out.find(name) for name in named]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert WORDS not in out


@both
def test_an_error_that_is_its_own_cause_is_written_once(
    kind: Kind, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Causes that run in a circle (`raise error from error`) do not keep the log busy for ever."""
    set_up(kind)
    frames = traceback.format_tb
    written = []

    def patiently(tb: TracebackType | None) -> list[str]:
        written.append(tb)
        if len(written) > 50:
            raise ZeroDivisionError
        return frames(tb)

    monkeypatch.setattr(traceback, "format_tb", patiently)
    try:
        error = ValueError(WORDS)
        raise error from error
    except ValueError:
        LOG.exception("A handler failed.")

    assert printed().count("builtins.ValueError") == 1


@both
def test_an_exception_among_the_extra_fields_is_not_quoted(kind: Kind, printed: Printed) -> None:
    """An error given as a field is no way around: its message is not printed either."""
    set_up(kind)

    LOG.warning("A handler failed.", extra={"why": ValueError(WORDS), "more": {"cause": KeyError(WORDS)}})

    out = printed()
    assert "A handler failed." in out
    assert WORDS not in out


@both
def test_a_record_that_another_handler_wrote_first_is_not_quoted(kind: Kind, printed: Printed) -> None:
    """`logging` keeps a traceback that was written once; ours is not that one."""
    set_up(kind)
    try:
        _fail(WORDS)
    except ValueError as error:
        record = LOG.makeRecord(
            "aftercare.test",
            logging.ERROR,
            __file__,
            1,
            "It failed.",
            (),
            (type(error), error, error.__traceback__),
        )
    assert WORDS in logging.Formatter().format(record)

    LOG.handle(record)

    out = printed()
    assert "builtins.ValueError" in out
    assert WORDS not in out


@both
def test_a_record_that_cannot_be_written_is_not_quoted(kind: Kind, printed: Printed) -> None:
    """If arguments do not fit a message, `logging` itself must not print them to standard error."""
    set_up(kind)

    LOG.info("%d messages", WORDS)

    out = printed()
    assert "messages" in out
    assert WORDS not in out


# --- what libraries say ----------------------------------------------------------------------------------


def _a_cut_off_answer() -> None:
    with pytest.raises(TelegramError):
        BaseRequest.parse_json_payload(f'{{"ok":true,"result":[{{"text":"{WORDS}'.encode())


def _a_garbled_answer() -> None:
    with pytest.raises(TelegramError):
        BaseRequest.parse_json_payload(WORDS.encode() + b"\xff\x00{]")


def _an_update_of_no_known_shape() -> None:
    async def fetch() -> None:
        request = OfflineRequest()
        request.results["getUpdates"] = lambda _: [{"update_id": 1, "message": WORDS}]
        with pytest.raises((TypeError, AttributeError, KeyError)):
            await Bot(TOKEN, request=request, get_updates_request=request).get_updates()

    asyncio.run(fetch())


def _in_asyncio(step: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(step())
    gc.collect()


async def _fail_soon() -> None:
    _fail(WORDS)


def _a_task_nobody_waited_for() -> None:
    async def step() -> None:
        task = asyncio.create_task(_fail_soon())
        await asyncio.sleep(0)
        del task

    _in_asyncio(step)


def _a_callback_with_arguments() -> None:
    async def step() -> None:
        asyncio.get_running_loop().call_soon(_fail, WORDS)
        await asyncio.sleep(0)

    _in_asyncio(step)


def _a_job_with_arguments() -> None:
    try:
        _fail(WORDS)
    except ValueError:
        logging.getLogger("apscheduler.executors.default").exception('Job "%s" raised an exception', WORDS)


def _an_update_without_a_context() -> None:
    try:
        _fail(WORDS)
    except ValueError as error:
        logging.getLogger("telegram.ext.Application").critical(
            "Error while building CallbackContext for update %s.", {"text": WORDS}, exc_info=error
        )


def _an_error_as_a_sentence() -> None:
    logging.getLogger("uvicorn.error").error(OSError(WORDS))


def _an_error_as_a_value() -> None:
    logging.getLogger("psycopg").warning("error ignored in rollback on %s: %s", object(), ValueError(WORDS))


def _a_sentence_put_together_before() -> None:
    logging.getLogger("uvicorn.error").error(f"The lifespan failed: {WORDS}")


def _a_list_put_together_before() -> None:
    logging.getLogger("httpx").warning(f"Received ['{WORDS}']")


def _more_lines() -> None:
    logging.getLogger("sqlalchemy.pool").error(f"Exception during reset\n{WORDS}")


def _named_values() -> None:
    logging.getLogger("httpx").warning("The server said %(words)s.", {"words": WORDS})


def _a_mapping_as_a_value() -> None:
    logging.getLogger("httpx").warning("The server said %r.", {WORDS: 1})


def _a_value_of_the_wrong_kind() -> None:
    logging.getLogger("httpx").warning("The server said %d.", WORDS)


def _fields() -> None:
    logging.getLogger("httpx").warning("Received.", extra={"body": WORDS})


@both
@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (_a_cut_off_answer, 'Can not load invalid JSON data: "<str>"'),
        (_a_garbled_answer, "Can not load invalid JSON data"),
        (_an_update_of_no_known_shape, "Error while parsing updates!"),
        (_a_task_nobody_waited_for, "Task exception was never retrieved"),
        (_a_callback_with_arguments, "Exception in callback _fail"),
        (_a_job_with_arguments, "raised an exception"),
        (_an_update_without_a_context, "CallbackContext for update <dict>."),
        (_an_error_as_a_sentence, "<OSError>"),
        (_an_error_as_a_value, "error ignored in rollback on <object>: <ValueError>"),
        (_a_sentence_put_together_before, "The lifespan failed …"),
        (_a_list_put_together_before, "Received  …"),
        (_more_lines, "Exception during reset …"),
        (_named_values, "The server said <str>."),
        (_a_mapping_as_a_value, "The server said <dict>."),
        (_a_value_of_the_wrong_kind, "The server said %d. (its values do not fit)"),
        (_fields, "Received."),
    ],
)
def test_a_library_is_heard_without_what_it_had_at_hand(
    kind: Kind, happens: Callable[[], None], told: str, printed: Printed
) -> None:
    """That something happened is in the log, and where; but no value that a library put into its sentence."""
    set_up(kind)

    happens()

    out = printed()
    assert (told in out) or (json.dumps(told, ensure_ascii=False)[1:-1] in out)
    assert WORDS not in out
    assert TOKEN not in out


@both
def test_a_librarys_numbers_are_told(kind: Kind, printed: Printed) -> None:
    """How often, how long and which status is what one looks for."""
    set_up(kind)

    logging.getLogger("httpx").warning("%s: status %d after %.1f s, %s", "abc", 502, 1.25, None)

    assert "<str>: status 502 after 1.2 s, None" in printed()


@both
def test_our_sentences_keep_their_values_but_no_errors_words(kind: Kind, printed: Printed) -> None:
    """A trouble of ours is written to be read; any other error may quote somebody, and is told by its kind."""
    set_up(kind)

    LOG.warning("%s must wait: %s (%s)", "It", Trouble("the disk is full"), ValueError(WORDS))
    LOG.error(ValueError(WORDS))

    out = printed()
    assert "It must wait: the disk is full (<ValueError>)" in out
    assert WORDS not in out


def test_other_handlers_get_the_record_as_it_was() -> None:
    """What is left out of our log is left out of our log only."""
    record = logging.makeLogRecord({"name": "httpx", "msg": "said %s", "args": (WORDS,), "body": WORDS})
    set_up()
    before = dict(vars(record))

    logging.getLogger().handlers[0].format(record)

    assert vars(record) == before


# --- what ends a program, or a thread --------------------------------------------------------------------


def _printed_by(code: str) -> subprocess.CompletedProcess[str]:
    begin = "import threading, sys, time\nfrom bot import logs\nlogs.set_up()\n"
    return subprocess.run(
        [sys.executable, "-c", begin + code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise ValueError('my chest' + ' hurts')", "The program ended with an error."),
        (
            "try:\n    int('my chest' + ' hurts')\nexcept ValueError as e:\n    raise KeyError('x') from e",
            "The program ended with an error.",
        ),
        (
            "t = threading.Thread(target=int, args=('my chest' + ' hurts',))\nt.start()\nt.join()",
            "A thread ended with an error.",
        ),
        (
            "class A:\n    def __del__(self):\n        int('my chest' + ' hurts')\nA()",
            "An error could not be told to anybody.",
        ),
    ],
)
def test_what_ends_a_program_is_not_quoted(code: str, told: str) -> None:
    """Python itself would print the whole message; standard error is where the log is."""
    done = _printed_by(code)

    assert told in done.stderr
    assert "builtins.ValueError" in done.stderr
    assert WORDS not in done.stderr


def test_a_program_that_fails_still_ends_with_1() -> None:
    """Whoever started it learns that it failed."""
    assert _printed_by("raise ValueError").returncode == 1


def test_ctrl_c_is_no_error_of_the_program() -> None:
    """It ends as always."""
    assert "The program ended" not in _printed_by("raise KeyboardInterrupt").stderr


# --- for people ------------------------------------------------------------------------------------------


def test_text_is_one_line_for_a_record(printed: Printed) -> None:
    """When, how grave, from where, and the sentence; fields for machines are left out."""
    set_up("text")

    LOG.warning("Sent %d messages.", 3, extra={"action": "deliver"})

    (line,) = printed().splitlines()
    assert line.endswith("WARNING aftercare.test: Sent 3 messages.")
    assert line[:2] == "20"


# --- for machines ----------------------------------------------------------------------------------------


def _lines(out: str) -> list[dict[str, Any]]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in out.splitlines()]


def test_json_is_one_object_for_a_record(printed: Printed) -> None:
    """The moment in UTC, the level, the logger, the sentence, and every extra field as it is."""
    set_up("json")

    LOG.info("Sent %d messages.", 3, extra={"action": "deliver", "update_id": 7, "also": ["a", None, True]})

    (record,) = _lines(printed())
    moment = datetime.fromisoformat(record.pop("at"))
    assert moment.utcoffset() == timedelta()
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert record == {
        "level": "info",
        "logger": "aftercare.test",
        "message": "Sent 3 messages.",
        "action": "deliver",
        "update_id": 7,
        "also": ["a", None, True],
    }


@pytest.mark.parametrize(
    "message",
    [
        'quotes " and \\ strokes',
        "two\nlines\r\nand\ttabs",
        "还痛 😣",
        "a line\u2028separator",
        "\x00\x1b[31m",
        f'{{"token": "{TOKEN}"}}',
    ],
)
def test_json_stays_valid_whatever_is_said(message: str, printed: Printed) -> None:
    """One object on one line, and the same words again when it is read."""
    set_up("json")

    LOG.info(message, extra={"field": message})

    (line,) = printed().removesuffix("\n").split("\n")
    record = json.loads(line)
    assert record["message"] == record["field"] == message.replace(TOKEN, "<token>")


def test_json_stays_valid_with_an_exception(printed: Printed) -> None:
    """The frames and kinds stand in one field, on the same line."""
    set_up("json")
    try:
        _fail_because(f"{WORDS} {TOKEN}")
    except KeyError:
        LOG.exception("A handler failed.")

    (record,) = _lines(printed())

    assert record["level"] == "error"
    assert record["error"].count("\n") > 3
    assert record["error"].endswith("builtins.ValueError")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (datetime(2026, 3, 28, 8, tzinfo=UTC), "2026-03-28 08:00:00+00:00"),
        (Urgency.SAME_DAY, "same_day"),
        (timedelta(hours=1), "1:00:00"),
        ((1, 2), [1, 2]),
    ],
)
def test_json_writes_any_field(value: object, written: object, printed: Printed) -> None:
    """A field that JSON does not know is written as people would read it."""
    set_up("json")

    LOG.info("Hello.", extra={"field": value})

    assert _lines(printed())[0]["field"] == written


# --- setting up ------------------------------------------------------------------------------------------


@both
def test_setting_up_again_replaces(kind: Kind, printed: Printed) -> None:
    """However often it is called, a record is printed once."""
    for earlier in KINDS:
        set_up(earlier)
    set_up(kind)

    LOG.info("Hello.")

    assert printed().count("Hello.") == 1


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
@pytest.mark.parametrize("library", ["httpx", "httpcore.http11", "apscheduler", "telegram.ext", "uvicorn"])
def test_libraries_are_heard_only_when_it_matters(library: str, level: int, printed: Printed) -> None:
    """What they do in passing would name addresses: only their warnings are printed, also while debugging."""
    set_up(level=level)

    logging.getLogger(library).info("HTTP Request: POST")
    assert printed() == ""

    logging.getLogger(library).warning("It failed.")
    assert "It failed." in printed()


@pytest.mark.parametrize(("level", "heard"), [(logging.DEBUG, 3), (logging.INFO, 2), (logging.WARNING, 1)])
def test_our_own_words_are_heard_from_the_level_on(level: int, heard: int, printed: Printed) -> None:
    """The level says from which gravity on records are printed."""
    set_up(level=level)

    LOG.debug("Hello.")
    LOG.info("Hello.")
    LOG.warning("Hello.")

    assert printed().count("Hello.") == heard
