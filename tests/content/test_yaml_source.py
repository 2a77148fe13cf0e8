"""Tests of `bot.content.yaml_source`: YAML as a reader expects it, and faults with file, line and cure."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.content.yaml_source import Fault, Faults, Source, parse, read


def source(text: str, name: str = "a.yaml") -> Source:
    """Read an indented piece of YAML."""
    return parse(dedent(text), name)


def faults_of(text: str, model: type[BaseModel] | None = None) -> list[str]:
    """Return the faults of an indented piece of YAML (read as *model*), as they are shown."""
    try:
        found = source(text)
        if model is not None:
            found.read_as(model)
    except Faults as error:
        return [str(fault) for fault in error.faults]
    return []


# --- values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),  # a word, as in "no, none, no bruise"
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("No", "No"),
        ("true", True),  # these two are truth values, and only these
        ("false", False),
        ("True", "True"),
        ("21:00", "21:00"),  # a time, not 1260
        ("9:30", "9:30"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("995", 995),
        ("-7", -7),
        ("38.5", 38.5),
        ("030", "030"),  # a number that starts with 0 is a phone number or a code, not one of base 8
        ("0999", "0999"),
        ("24h", "24h"),
        ("+65 6000 0000", "+65 6000 0000"),
        ("2026-11-20", date(2026, 11, 20)),
        ("null", None),
        ("~", None),
        ("", None),
        ('"true"', "true"),
        ("a: b", {"a": "b"}),
        ("[a, no, 7]", ["a", "no", 7]),
    ],
)
def test_values_are_what_a_reader_takes_them_for(written: str, value: object) -> None:
    """ "no" is a word, 21:00 a text, true a truth value; nothing turns into something else."""
    found = parse(f"key: {written}" if ": " not in written else f"key: {{{written}}}", "a.yaml").value["key"]
    assert found == value
    assert type(found) is type(value)


def test_a_word_may_be_a_key() -> None:
    """A key called no, yes or on is that word."""
    assert source("no: 1\nyes: 2\non: 3\n").value == {"no": 1, "yes": 2, "on": 3}


def test_a_file_from_windows_reads_the_same(tmp_path: Path) -> None:
    """A byte order mark and Windows' line ends change nothing, nor the lines of faults."""
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffa: 1\r\nb:\r\n  - 针\r\n".encode())
    found = read(path, "a.yaml")
    assert found.value == {"a": 1, "b": ["针"]}
    assert found.at(("b", 0)) == ("a.yaml", 3)


# --- lines --------------------------------------------------------------------------------------------------

TEXT = """\
    # a comment
    clinic:
      name: Tan

      branches:
        - id: main
          hours: {mon: closed,
            tue: closed}
        - id: east
    """


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("clinic",), 2),
        (("clinic", "name"), 3),
        (("clinic", "branches"), 5),
        (("clinic", "branches", 0), 6),
        (("clinic", "branches", 0, "hours", "tue"), 8),
        (("clinic", "branches", 1, "id"), 9),
        (("clinic", "phone"), 2),  # what is not there: the line of what it is missing in
        (("clinic", "branches", 1, "hours", "mon"), 9),
        ((), 2),  # the whole: where it begins
    ],
)
def test_every_place_knows_its_line(place: tuple[str | int, ...], line: int) -> None:
    """Each key and each item has the line on which it stands; what is missing has that of its surroundings."""
    assert source(TEXT).at(place) == ("a.yaml", line)


def test_an_empty_file_has_one_line() -> None:
    """A fault of a file without content is shown on line 1."""
    empty = source("# nothing\n")
    assert empty.value is None
    assert empty.at(("anything",)) == ("a.yaml", 1)


def test_a_fault_is_shown_with_file_line_place_and_what_to_do() -> None:
    """A fault is one line that an editor can jump to."""
    assert str(source(TEXT).fault(("clinic", "branches", 1, "id"), "is odd; change it")) == (
        "a.yaml:9: clinic.branches.1.id: is odd; change it"
    )
    assert str(Fault(file="a.yaml", line=3, where="", what="is odd")) == "a.yaml:3: is odd"


def test_faults_are_listed_by_file_and_line() -> None:
    """However they were found, faults are shown in the order in which one walks through the files."""
    places = [("b.yaml", 1, "x"), ("a.yaml", 10, "x"), ("a.yaml", 9, "y"), ("a.yaml", 9, "x")]
    faults = Faults(Fault(file=file, line=line, where=where, what="odd") for file, line, where in places)
    assert str(faults) == "a.yaml:9: x: odd\na.yaml:9: y: odd\na.yaml:10: x: odd\nb.yaml:1: x: odd"


# --- files that are none ------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """The fault names the file as the caller does, or by its path."""
    path = tmp_path / "none.yaml"
    with pytest.raises(Faults, match=r"^en/none\.yaml:1: there is no such file$"):
        read(path, "en/none.yaml")
    with pytest.raises(Faults) as raised:
        read(path)
    assert raised.value.faults[0].file == str(path)


def test_a_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    """A picture, or a folder, is told apart from YAML."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\x89PNG\xff\xfe")
    for wrong in (path, tmp_path):
        with pytest.raises(Faults, match=r"a\.yaml:1: cannot be read .*; is it a UTF-8 text file\?"):
            read(wrong, "a.yaml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1, 2\n", 3),  # a bracket that is never closed: found where the file ends
        ("a: 1\n  b: 2\n", 2),  # indented too far
        ('a: "never closed\n', 2),
        ("a: b: c\n", 1),
        ("a:\n\tb: 1\n", 2),  # a tab
        ("a: {x: 1}\n? [k]\n: 1\n", 2),  # a key that is a list
        ("a: *nobody\n", 1),
    ],
)
def test_what_is_no_yaml_is_a_fault_with_its_line(text: str, line: int) -> None:
    """A slip in indentation, colons or quotes is shown with its line and where to look."""
    (fault,) = faults_of(text)
    assert fault.startswith(f"a.yaml:{line}: ")
    assert fault.endswith("; check the indentation, the colons and the quotes around here")


def test_a_date_that_does_not_exist_is_a_fault_with_its_line() -> None:
    """30 February is found, on its line."""
    (fault,) = faults_of("reviewed:\n  by: Tan\n  on: 2026-02-30\n")
    assert fault.startswith("a.yaml:3: ")
    assert "day" in fault


@pytest.mark.parametrize("value", ["!!int many", "!!timestamp soon", "9" * 5000])
def test_a_value_that_python_cannot_read_is_a_fault_with_its_line(value: str) -> None:
    """A tag that does not fit its value, or a number without end, is found as any other slip is."""
    (fault,) = faults_of(f"a: 1\nb: {value}\n")
    assert fault.startswith("a.yaml:2: ")


def test_a_key_that_stands_twice_is_a_fault() -> None:
    """The second of two like keys is shown with the line of the first; no value is dropped in silence."""
    assert faults_of(
        """\
        a: 1
        b:
          c: 2
          d: 3
          c: 4
        a: 5
        e:
          - {f: 6, f: 7}
        """
    ) == [
        "a.yaml:5: b: 'c' is already set on line 3; keep one of them",
        "a.yaml:6: 'a' is already set on line 1; keep one of them",
        "a.yaml:8: e.0: 'f' is already set on line 8; keep one of them",
    ]


def test_like_keys_in_different_places_are_none() -> None:
    """Only keys of one mapping can collide."""
    assert source("a: {x: 1}\nb: {x: 1}\n").value == {"a": {"x": 1}, "b": {"x": 1}}


# --- models -------------------------------------------------------------------------------------------------


class Pet(BaseModel):
    """A pet."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=5)]
    legs: Annotated[int, Field(ge=0, le=8)] = 4
    kind: Literal["cat", "dog"] = "cat"
    tame: bool = True
    born: date | None = None
    weight: float = 1.0

    @field_validator("name")
    @classmethod
    def _not_tom(cls, name: str) -> str:
        if name == "Tom":
            raise ValueError("there is a Tom already; take another name")
        return name


class Home(BaseModel):
    """Where they live."""

    rooms: int


class Owner(BaseModel):
    """Somebody with pets."""

    model_config = ConfigDict(extra="forbid")

    pets: tuple[Pet, ...] = (Pet(name="Rex"),)
    by_name: dict[str, Pet] = {}
    homes: Annotated[tuple[Home, ...], Field(min_length=2)] = ()


def test_what_is_right_becomes_the_model() -> None:
    """A file without faults is returned as the model."""
    owner = source("pets:\n  - {name: Rex, legs: 3, kind: dog}\n").read_as(Owner)
    assert owner.pets == (Pet(name="Rex", legs=3, kind="dog"),)


def test_an_empty_file_is_a_model_with_its_defaults() -> None:
    """A file with nothing but comments sets nothing."""
    assert source("# nothing\n").read_as(Owner) == Owner()


@pytest.mark.parametrize(
    ("pet", "what"),
    [
        ("{legs: 3}", "pets.0.name: is missing; add it"),
        ("{name: 7}", "pets.0.name: must be text; put it in quotes"),
        ("{name: ''}", "pets.0.name: must not be empty"),
        ("{name: Reginald}", "pets.0.name: is too long; it may have 5 characters"),
        ("{name: Rex, legs: many}", "pets.0.legs: must be a whole number"),
        ("{name: Rex, legs: 9}", "pets.0.legs: must be at most 8"),
        ("{name: Rex, legs: -1}", "pets.0.legs: must be at least 0"),
        ("{name: Rex, kind: cow}", "pets.0.kind: must be one of 'cat' or 'dog'"),
        ("{name: Rex, tame: perhaps}", "pets.0.tame: must be true or false"),
        ("{name: Rex, tame: [1]}", "pets.0.tame: must be true or false"),
        ("{name: Rex, born: yesterday}", "pets.0.born: must be a date such as 2026-11-20"),
        ("{name: Rex, born: [1]}", "pets.0.born: must be a date such as 2026-11-20"),
        ("{name: Tom}", "pets.0.name: there is a Tom already; take another name"),
        ("Rex", "pets.0: must be a mapping of 'key: value' lines"),
        ("{name: Rex, lags: 3}", "pets.0.lags: no such key; did you mean 'legs'?"),
        ("{name: Rex, colour: red}", "pets.0.colour: no such key; remove it"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(pet: str, what: str) -> None:
    """Each fault says where it is, what is wrong, and what to do, without a word of pydantic's."""
    assert faults_of(f"# pets\npets:\n  - {pet}\n", Owner) == [f"a.yaml:3: {what}"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("pets: Rex", "pets: must be a list; start each line with '- '"),
        ("homes: [{rooms: 1}]", "homes: has too few entries; it needs at least 2"),
        (
            "homes: [{rooms: 1}, {rooms: many}]",
            "homes.1.rooms: must be a whole number",
        ),  # there are enough of them
        ("by_name: Rex", "by_name: must be a mapping of 'key: value' lines"),
        ("by_name: {Rex: {name: [x]}}", "by_name.Rex.name: must be text; put it in quotes"),
        ("by_name: {Rex: {}}", "by_name.Rex.name: is missing; add it"),
        ("- Rex", "must be a mapping of 'key: value' lines"),
        ("pest: []", "pest: no such key; did you mean 'pets'?"),
    ],
)
def test_a_wrong_shape_is_said_in_plain_words(text: str, what: str) -> None:
    """A list where a mapping belongs, and the other way round, is explained with how to write it."""
    assert faults_of(text, Owner) == [f"a.yaml:1: {what}"]


def test_all_faults_are_shown_together() -> None:
    """One reading shows everything that is wrong, each with its own line."""
    assert faults_of(
        """\
        pets:
          - name: Rex
            legs: 9
          - legs: 3
            kind: cow
        dogs: 1
        """,
        Owner,
    ) == [
        "a.yaml:3: pets.0.legs: must be at most 8",
        "a.yaml:4: pets.1.name: is missing; add it",
        "a.yaml:5: pets.1.kind: must be one of 'cat' or 'dog'",
        "a.yaml:6: dogs: no such key; remove it",
    ]


# --- a clinic's own file on top -----------------------------------------------------------------------------

BASE = """\
    words:
      yes: [ya, ok]
      no: [nope]
    title: Ours
    steps:
      - {id: a}
      - {id: b}
    """
OWN = """\
    # our words
    title: Yours
    words:
      yes:
        - ok
        - can
      maybe: [perhaps]
    """


def test_a_file_on_top_extends_mappings_and_lists() -> None:
    """Mappings merge, lists grow by what is new, and texts are replaced."""
    merged = source(BASE).overlaid(source(OWN, "own.yaml"), extend=True)
    assert merged.value == {
        "words": {"yes": ["ya", "ok", "can"], "no": ["nope"], "maybe": ["perhaps"]},
        "title": "Yours",
        "steps": [{"id": "a"}, {"id": "b"}],
    }


def test_a_file_on_top_can_replace_lists() -> None:
    """Without *extend* a list of one's own takes the place of the supplied one; mappings still merge."""
    merged = source(BASE).overlaid(source(OWN, "own.yaml"), extend=False)
    assert merged.value["words"] == {"yes": ["ok", "can"], "no": ["nope"], "maybe": ["perhaps"]}


def test_a_file_on_top_changes_no_source() -> None:
    """Both files stay as they were read."""
    base, own = source(BASE), source(OWN, "own.yaml")
    base.overlaid(own, extend=True)
    assert base.value == source(BASE).value
    assert own.value == source(OWN).value


@pytest.mark.parametrize(
    ("place", "at"),
    [
        (("title",), ("own.yaml", 2)),
        (("words", "maybe"), ("own.yaml", 7)),
        (("words", "no"), ("a.yaml", 3)),
        (("steps", 1, "id"), ("a.yaml", 7)),
        ((), ("a.yaml", 1)),
    ],
)
def test_each_place_remembers_which_file_it_came_from(
    place: tuple[str | int, ...], at: tuple[str, int]
) -> None:
    """A fault in the clinic's words is shown in the clinic's file, one in ours in ours."""
    assert source(BASE).overlaid(source(OWN, "own.yaml"), extend=True).at(place) == at


@pytest.mark.parametrize(
    ("item", "at"),
    [(0, ("a.yaml", 2)), (1, ("a.yaml", 2)), (2, ("own.yaml", 6))],  # ya and ok are ours, can is theirs
)
def test_each_item_of_a_longer_list_remembers_its_file(item: int, at: tuple[str, int]) -> None:
    """An item that the clinic added to a list of ours stands in the clinic's file, the others stay in ours."""
    assert source(BASE).overlaid(source(OWN, "own.yaml"), extend=True).at(("words", "yes", item)) == at
