"""The rules of the house, read off its source: small modules, no clock below the roof, no word that is not in the files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from bot.content.files import PhrasesFile
from bot.content.settings import VARIABLES
from bot.content.yaml_source import read
from bot.domain.message import variables_of
from bot.domain.patient import AlertKind, AlertOutcome, CheckInState, TreatmentState
from bot.domain.triage import Urgency

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("domain", "matching", "content", "storage", "service", "chat", "web")
#: The sandbox is an annexe: it plays Telegram, and has a clock of its own that can be turned.
ANNEXE = "sandbox"


def modules(*rooms: str) -> list[str]:
    """Return the modules of some rooms of bot/ (of all, if none is named), as paths from the root."""
    folders = [ROOT / "bot" / room for room in rooms] or [ROOT / "bot"]
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in folder.rglob("*.py"))


@cache
def tree_of(module: str) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


ALL = modules()
#: What may read the clock is the roof (bot/*.py) and the annexe; this is the rest.
BELOW_THE_ROOF = modules(*FLOORS)


# --- size and docstrings ------------------------------------------------------------------------------------

LONGEST = 350
#: Debts: modules that are longer, each with the reason. A module that has become shorter is taken off the list.
TOO_LONG: set[str] = set()


def test_modules_are_short_enough_to_be_read() -> None:
    """A module has at most 350 lines: a file that grows past it usually holds two rooms."""
    lengths = {module: len((ROOT / module).read_text(encoding="utf-8").splitlines()) for module in ALL}
    assert {module for module, length in lengths.items() if length > LONGEST} == TOO_LONG


def test_modules_say_what_they_are_for() -> None:
    """The first line of a module says in at most 120 characters what the room is for."""
    firsts = {module: (ast.get_docstring(tree_of(module)) or "").partition("\n")[0] for module in ALL}
    assert {module: first for module, first in firsts.items() if not 0 < len(first) <= 120} == {}


# --- clock and chance ---------------------------------------------------------------------------------------

#: What reads a clock or draws lots; the names are where Python defines them.
BANNED = re.compile(
    r"datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today"
    r"|time\.(time|monotonic|perf_counter|process_time)(_ns)?|time\.(localtime|gmtime|ctime|strftime)"
    r"|random(\..+)?|secrets(\..+)?|numpy\.random(\..+)?|os\.(urandom|getrandom)|uuid\.uuid[14]"
    r"|sqlalchemy\.func\.(now|random|current_\w+|localtime\w*|sysdate)"
)


def readings(tree: ast.Module) -> list[str]:
    """Return ``line: name`` of everything in *tree* that reads a clock or draws lots, however it was imported."""
    origin: dict[str, str] = {}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                origin[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
                if BANNED.fullmatch(alias.name):
                    found.append(f"{node.lineno}: {alias.name}")
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                origin[alias.asname or alias.name] = full
                if BANNED.fullmatch(full) or BANNED.fullmatch(node.module or ""):
                    found.append(f"{node.lineno}: {full}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node, origin)
            if name and BANNED.fullmatch(name):
                found.append(f"{node.lineno}: {name}")
    return found


def dotted(node: ast.expr, origin: dict[str, str]) -> str | None:
    """Return the full name of ``a.b.c`` when ``a`` was imported, else None."""
    if isinstance(node, ast.Name):
        return origin.get(node.id)
    if isinstance(node, ast.Attribute):
        outer = dotted(node.value, origin)
        return f"{outer}.{node.attr}" if outer else None
    return None


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import UTC, datetime\nx = datetime.now(UTC)",
        "from datetime import datetime as d\nx = d.utcnow",
        "import datetime\nx = datetime.datetime.now()",
        "import datetime as dt\nx = dt.date.today()",
        "from datetime import date\nx = date.today()",
        "import time\nx = time.time()",
        "import time as clock\nx = clock.monotonic()",
        "from time import monotonic",
        "from time import perf_counter_ns as tick",
        "import random",
        "from random import choice",
        "import secrets\nx = secrets.token_hex",
        "from uuid import uuid4",
        "import uuid\nx = uuid.uuid4()",
        "import os\nx = os.urandom(8)",
        "from sqlalchemy import func\nx = func.now()",
        "import numpy as np\nx = np.random.rand()",
    ],
)
def test_a_clock_or_chance_is_recognised_however_it_is_imported(code: str) -> None:
    """The next test would find each of these."""
    assert readings(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime\nx = datetime.fromisoformat('2026-11-20')",
        "from datetime import datetime, time\ndef f(now: datetime) -> time:\n    return now.time()",
        "def f(turn):\n    return turn.now",
        "def f(house):\n    return house.now()",
        "from sqlalchemy import func\nx = func.min",
        "import uuid\nx = uuid.UUID",
    ],
)
def test_a_moment_that_was_given_is_no_clock(code: str) -> None:
    """Time that comes in as an argument may be used."""
    assert readings(ast.parse(code)) == []


def test_nothing_below_the_roof_reads_a_clock_or_draws_lots() -> None:
    """Moments and random bits come in as arguments, so that every test can say what they are."""
    assert len(BELOW_THE_ROOF) > 40
    found = {module: readings(tree_of(module)) for module in BELOW_THE_ROOF}
    assert {module: lines for module, lines in found.items() if lines} == {}


def test_imports_stand_at_the_top() -> None:
    """A module says at its beginning whom it needs; an import inside a function hides a cycle."""
    hidden = [
        f"{module}:{inner.lineno}"
        for module in ALL
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


# --- tests --------------------------------------------------------------------------------------------------

#: Debts: modules without a test module of their own, each with the reason.
UNTESTED = {
    "bot/chat/house.py",  # two lines; every test of the chat room walks through them
    "bot/domain/patient.py",  # names only: nothing in it can fail
    "bot/domain/trouble.py",  # a name only: nothing in it can fail
    "bot/sandbox/cast.py",  # a list of people
    "bot/sandbox/compose.py",  # tested through the methods of the Bot API
    "bot/sandbox/model.py",  # values without behaviour
    "bot/sandbox/refusal.py",  # tested through the methods of the Bot API
    "bot/sandbox/wire.py",  # tested by PTB's own Bot, which reads it
    "bot/service/ports.py",  # protocols and values without behaviour
}


def test_every_module_has_its_tests() -> None:
    """The tests of a module stand at the same path under tests/; debts are listed, and taken off when paid."""
    untested = {
        module
        for module in modules(*FLOORS, ANNEXE)
        if not module.endswith("__init__.py") and "/migrations/" not in module
        if not (
            ROOT / "tests" / Path(module).parent.relative_to("bot") / f"test_{Path(module).name}"
        ).is_file()
    }
    assert untested == UNTESTED


# --- phrases ------------------------------------------------------------------------------------------------

PHRASES = read(ROOT / "faq" / "en" / "phrases.yaml").read_as(PhrasesFile)
#: Where the bot speaks: in service, in chat, and under the roof.
SPEAKING = modules("service", "chat") + [module for module in ALL if module.count("/") == 1]
#: What the keys that are put together can be. One that is not listed here must at least match some phrase.
PUT_TOGETHER: dict[str, list[str]] = {
    "alert_{alert.kind}": [*AlertKind],
    "alert_{AlertKind(alert.kind)}": [*AlertKind],
    "alert_head_{alert.urgency}": [*Urgency],
    "alert_told_{alert.urgency}": [*Urgency],
    "outcome_{alert.outcome}": [*AlertOutcome],
    "outcome_{outcome}": [*AlertOutcome],
    "check_in_{row.state}": [CheckInState.SUPERSEDED, CheckInState.CANCELLED],
    "check_in_state_{row.state}": [*CheckInState],
    "treatment_{treatment.state}": [*TreatmentState],
    "register_ago_{minutes}": ["0", "30", "60", "120"],
    "card_step_{number}": ["1", "2", "3"],
}


@dataclass(frozen=True, kw_only=True)
class Use:
    """A place that speaks: the phrases that it may take, and the names of the values it fills in.

    how: "text" (the clinic's variables are filled in as well), "format" or "bare" (they are not).
    """

    where: str
    keys: frozenset[str]
    filled: frozenset[str]
    how: str


def uses() -> Iterator[Use]:
    """Return every place that takes a phrase: ``turn.text(…)``, ``turn.button(…)`` and ``….phrases[…]``."""
    for module in SPEAKING:
        tree = tree_of(module)
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                if node.func.attr not in ("text", "button"):
                    continue
                how = "text" if node.func.attr == "text" else "bare"
                filled = {keyword.arg for keyword in node.keywords if keyword.arg}
                key = node.args[0]
            elif isinstance(node, ast.Subscript) and _name(node.value) == "phrases":
                how, filled = _filled_by_hand(node, parents)
                key = node.slice
            else:
                continue
            if _function_around(node, parents) in SPEAKERS:
                continue
            keys = Keys(module, parents).of(key)
            yield Use(where=f"{module}:{node.lineno}", keys=keys, filled=frozenset(filled), how=how)


#: The two methods of `Turn` that take a key; what is passed to them is what is looked at.
SPEAKERS = ("text", "button")


def _function_around(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str | None:
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return node.name
    return None


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _filled_by_hand(node: ast.Subscript, parents: dict[ast.AST, ast.AST]) -> tuple[str, set[str]]:
    """Return how a phrase is filled that was taken as it stands: by ``.format(…)``, ``.replace(…)``, or not at all."""
    attribute = parents.get(node)
    call = parents.get(attribute) if isinstance(attribute, ast.Attribute) else None
    if isinstance(attribute, ast.Attribute) and isinstance(call, ast.Call):
        if attribute.attr == "format":
            return "format", {keyword.arg for keyword in call.keywords if keyword.arg}
        if attribute.attr == "replace" and isinstance(call.args[0], ast.Constant):
            return "format", {str(call.args[0].value).strip("{}")}
    return "bare", set()


class Keys:
    """Works out which phrases an expression can name, as far as a reader of the source could."""

    def __init__(self, module: str, parents: dict[ast.AST, ast.AST]) -> None:
        self.module = module
        self.parents = parents

    def of(self, node: ast.expr) -> frozenset[str]:
        """Return the keys; an expression that nobody could follow fails the test, with its line."""
        match node:
            case ast.Constant(value=str(key)):
                return frozenset({key})
            case ast.Constant(value=None):
                return frozenset()
            case ast.IfExp():
                return self.of(node.body) | self.of(node.orelse)
            case ast.BoolOp():
                return self._union(node.values)
            case ast.JoinedStr():
                return frozenset(_put_together(node))
            case ast.Dict():
                return self._union(node.values)
            case ast.Call(func=ast.Attribute(attr="get", value=table), args=[_, default]):
                return self.of(table) | self.of(default)
            case ast.Call(func=ast.Name(id=name)):
                return self._returned_by(name)
            case ast.Name(id=name):
                return self._named(name, node)
        pytest.fail(f"{self.module}:{node.lineno}: which phrase is {ast.unparse(node)}?")

    def _union(self, nodes: list[ast.expr]) -> frozenset[str]:
        return frozenset[str]().union(*(self.of(node) for node in nodes))

    def _returned_by(self, name: str) -> frozenset[str]:
        """Return what a function of this module returns."""
        returns = [
            inner.value
            for node in ast.walk(tree_of(self.module))
            if isinstance(node, ast.FunctionDef) and node.name == name
            for inner in ast.walk(node)
            if isinstance(inner, ast.Return) and inner.value is not None
        ]
        return self._union(returns)

    def _named(self, name: str, node: ast.AST) -> frozenset[str]:
        """Return what a name stands for: what is assigned to it in its function, or what callers pass."""
        function = self.parents[node]
        while not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            function = self.parents[function]
        assigned = [
            inner.value
            for inner in ast.walk(function)
            if isinstance(inner, ast.Assign) and any(_name(target) == name for target in inner.targets)
        ]
        if assigned:
            return self._union(assigned)
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        if names[:1] == ["self"]:  # callers do not pass it
            names = names[1:]
        if name not in names:
            pytest.fail(f"{self.module}:{function.lineno}: which phrases can {name} be?")
        return _passed_to(function.name, names.index(name))


def _passed_to(function: str, position: int) -> frozenset[str]:
    """Return the phrases that callers anywhere pass to a function at a position."""
    keys: set[str] = set()
    for module in SPEAKING:
        parents = {child: node for node in ast.walk(tree_of(module)) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Call) and _name(node.func) == function and len(node.args) > position:
                keys |= Keys(module, parents).of(node.args[position])
    return frozenset(keys)


def _put_together(node: ast.JoinedStr) -> set[str]:
    shape = ""
    pattern = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            shape += f"{{{ast.unparse(part.value)}}}"
            pattern += ".+"
        elif isinstance(part, ast.Constant):
            shape += str(part.value)
            pattern += re.escape(str(part.value))
    if shape in PUT_TOGETHER:
        before, after = shape.partition("{")[0], shape.rpartition("}")[2]
        return {f"{before}{value}{after}" for value in PUT_TOGETHER[shape]}
    return {key for key in PHRASES.phrases if re.fullmatch(pattern, key)} or {shape}


USES = list(uses())


def test_the_places_that_speak_are_found() -> None:
    """The next tests look at something: there are hundreds of places, in many modules."""
    assert len(USES) > 150
    assert len({use.where.split(":")[0] for use in USES}) > 10
    assert {use.how for use in USES} == {"text", "format", "bare"}


def test_every_phrase_that_is_said_exists() -> None:
    """What the bot says stands in phrases.yaml; a slip in a key would leave somebody without an answer."""
    unknown = {use.where: use.keys - set(PHRASES.phrases) for use in USES}
    assert {where: keys for where, keys in unknown.items() if keys} == {}
    assert all(use.keys for use in USES)


def test_every_variable_of_a_phrase_is_filled() -> None:
    """What a phrase names in braces is passed where it is said; a button's label has no variables at all."""
    missing = {
        f"{use.where}: {key}": sorted(names)
        for use in USES
        for key in use.keys & set(PHRASES.phrases)
        if (
            names := variables_of(PHRASES.phrases[key])
            - use.filled
            - (VARIABLES if use.how == "text" else frozenset())
        )
    }
    assert missing == {}


def test_no_value_is_passed_in_vain() -> None:
    """A value that no phrase of its place names was meant for one."""
    vain = {}
    for use in USES:
        named = {name for key in use.keys for name in variables_of(PHRASES.phrases.get(key, ""))}
        if use.filled - named:
            vain[use.where] = use.filled - named
    assert vain == {}


def test_every_phrase_is_said_somewhere() -> None:
    """A phrase that nobody says is a phrase that nobody has to translate."""
    said = frozenset[str]().union(*(use.keys for use in USES))
    assert set(PHRASES.phrases) - said == set()


# --- buttons and commands -----------------------------------------------------------------------------------


def keys_of_table(module: str, name: str) -> set[str]:
    """Return the keys of a module's dispatch table."""
    for node in tree_of(module).body:
        if (
            isinstance(node, ast.AnnAssign)
            and _name(node.target) == name
            and isinstance(node.value, ast.Dict)
        ):
            return {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    raise AssertionError(f"{module} has no table {name}")


RECEIVE, STAFF = "bot/service/receive.py", "bot/service/serve_staff.py"
TAPS = keys_of_table(RECEIVE, "_TAPS") | keys_of_table(STAFF, "_TAPS")


def button_data() -> Iterator[tuple[str, ast.expr]]:
    """Return what each button carries, with its place."""
    for module in SPEAKING:
        for node in ast.walk(tree_of(module)):
            if not isinstance(node, ast.Call):
                continue
            if _name(node.func) == "button" and len(node.args) == 2:
                yield f"{module}:{node.lineno}", node.args[1]
            elif _name(node.func) == "Button":
                for keyword in node.keywords:
                    if keyword.arg == "data":
                        yield f"{module}:{node.lineno}", keyword.value


def prefix_of(data: ast.expr) -> str | None:
    """Return what stands before the first colon of a button's data, or None if that is not written out."""
    if isinstance(data, ast.JoinedStr) and data.values:
        first = data.values[0]
        whole = len(data.values) == 1
        if isinstance(first, ast.Constant) and (whole or ":" in str(first.value)):
            return str(first.value).partition(":")[0]
        return None
    if isinstance(data, ast.Constant):
        return str(data.value).partition(":")[0]
    return None


#: `Turn.button` passes on what it was given.
DATA = [(where, data) for where, data in button_data() if not where.startswith("bot/service/turn.py")]


def test_every_button_is_answered() -> None:
    """What a button sends back begins with a word that a dispatch table knows."""
    assert len(DATA) > 40
    assert {where: ast.unparse(data) for where, data in DATA if prefix_of(data) not in TAPS} == {}


def test_every_answer_to_a_tap_has_its_button() -> None:
    """A dispatch table has no entry that no button leads to."""
    assert {prefix_of(data) for _where, data in DATA} >= TAPS


def test_every_command_in_telegrams_menu_is_served() -> None:
    """A command that Telegram shows is one that the bot answers, to patients and to staff."""
    assert set(PHRASES.commands.patient) <= keys_of_table(RECEIVE, "_COMMANDS")
    assert set(PHRASES.commands.staff) <= keys_of_table(STAFF, "_COMMANDS")


def test_every_command_that_a_phrase_names_is_served() -> None:
    """Nobody is told to type a command that does not exist."""
    served = keys_of_table(RECEIVE, "_COMMANDS") | keys_of_table(STAFF, "_COMMANDS")
    named = {
        (key, command)
        for key, text in PHRASES.phrases.items()
        for command in re.findall(r"(?<![\w<.])/([a-z]+)\b", text)
    }
    assert len(named) > 10
    assert {(key, command) for key, command in named if command not in served} == set()
