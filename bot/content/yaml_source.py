"""Reading a YAML file so that every fault can be shown with file, line and cure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Place = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

_SURPRISES = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float")}

#: Pydantic's error types in plain words: what is wrong, and what to do.
_PLAIN = {
    "missing": "is missing; add it",
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "path_type": "must be the name of a folder; put it in quotes",
    "list_type": "must be a list; start each line with '- '",
    "tuple_type": "must be a list; start each line with '- '",
    "dict_type": "must be a mapping of 'key: value' lines",
    "model_type": "must be a mapping of 'key: value' lines",
    "date_type": "must be a date such as 2026-11-20",
    "date_from_datetime_parsing": "must be a date such as 2026-11-20",
    "string_too_short": "must not be empty",
    "too_short": "has too few entries; it needs at least {min_length}",
    "string_too_long": "is too long; it may have {max_length} characters",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "is no id: begin with a small letter, use small letters, digits and _, and keep it short",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
}


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """YAML as a reader expects it: only true and false are truth values ("no" is a word), 21:00 is a text."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Read a value; one that cannot be (31 February, a number without end) is a fault at its line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError) as error:
            problem = f"this value cannot be read ({error})"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _SURPRISES]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9]\d*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:0|[1-9]\d*)\.\d+$"), list("-+0123456789")
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong in a file, and what to do about it."""

    file: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        """Write ``file:line: where: what``."""
        return f"{self.file}:{self.line}: {self.where + ': ' if self.where else ''}{self.what}"


class Faults(Exception):
    """The files have faults; each is listed with its cure."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: (fault.file, fault.line, fault.where))
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, kw_only=True)
class Source:
    """YAML that was read: its plain value, and the file and line on which each place of it stands."""

    name: str
    value: Any
    lines: Mapping[Place, tuple[str, int]] = field(default_factory=dict)

    def at(self, place: Sequence[str | int]) -> tuple[str, int]:
        """Return the file and line of *place*, or of the nearest place around it."""
        inner = tuple(place)
        while inner and inner not in self.lines:
            inner = inner[:-1]
        return self.lines.get(inner, (self.name, 1))

    def fault(self, place: Sequence[str | int], what: str) -> Fault:
        """Return a fault at *place*."""
        file, line = self.at(place)
        return Fault(file=file, line=line, where=".".join(str(part) for part in place), what=what)

    def overlaid(self, own: Source, *, extend: bool) -> Source:
        """Return this source with *own* on top: mappings merge, texts are replaced, lists too unless *extend*."""
        lines = dict(self.lines)
        value = _overlay(self.value, own, (), (), lines, extend)
        return Source(name=self.name, value=value, lines=lines)

    def read_as(self, model: type[M]) -> M:
        """Return the file as *model*; raise `Faults` with everything that is wrong, in plain words."""
        try:
            return model.model_validate(self.value if self.value is not None else {})
        except ValidationError as error:
            raise Faults(self._plainly(error, model)) from None

    def _plainly(self, error: ValidationError, model: type[BaseModel]) -> list[Fault]:
        faults = []
        items = error.errors()
        deeper = [item["loc"] for item in items]
        for item in items:
            if item["type"] == "too_short" and any(
                len(loc) > len(item["loc"]) and loc[: len(item["loc"])] == item["loc"] for loc in deeper
            ):
                continue  # its entries are there, but have faults of their own
            place = tuple(part for part in item["loc"] if self._is_place(part))
            if item["type"] == "extra_forbidden":
                near = difflib.get_close_matches(str(place[-1]), _field_names(model), n=1)
                what = f"no such key; did you mean '{near[0]}'?" if near else "no such key; remove it"
            elif item["type"] == "value_error":
                what = str(item["ctx"]["error"])
            elif item["type"] == "string_pattern_mismatch":
                what = f"'{item['input']}' {_PLAIN[item['type']]}"
            elif item["type"] in _PLAIN:
                what = _PLAIN[item["type"]].format(**item.get("ctx", {}))
            else:
                what = item["msg"].lower()
            faults.append(self.fault(place, what))
        return faults

    @staticmethod
    def _is_place(part: str | int) -> bool:
        """Leave out pydantic's own steps (such as ``function-after[...]``) from a path."""
        return isinstance(part, int) or "[" not in part


def read(path: Path, name: str | None = None) -> Source:
    """Read *path*; raise `Faults` if it is not there, is no YAML, or has a key twice."""
    name = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Faults([Fault(file=name, line=1, where="", what="there is no such file")]) from None
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot be read ({error}); is it a UTF-8 text file?"
        raise Faults([Fault(file=name, line=1, where="", what=what)]) from None
    return parse(text, name)


def _overlay(
    base: Any, own: Source, place: Place, own_place: Place, lines: dict[Place, tuple[str, int]], extend: bool
) -> Any:
    """Return what *own* holds at *own_place* laid over *base*; *lines* learns where each place now comes from."""
    value = own.value
    for part in own_place:
        value = value[part]
    if own_place in own.lines and place:
        lines[place] = own.lines[own_place]
    if isinstance(base, dict) and isinstance(value, dict):
        merged = dict(base)
        for key in value:
            merged[key] = _overlay(base.get(key), own, (*place, key), (*own_place, key), lines, extend)
        return merged
    if isinstance(base, list) and isinstance(value, list) and extend:
        longer = list(base)
        for number, item in enumerate(value):
            if item not in longer:
                _move_lines(own, (*own_place, number), (*place, len(longer)), lines)
                longer.append(item)
        return longer
    for stale in [known for known in lines if known[: len(place)] == place and len(known) > len(place)]:
        del lines[stale]
    _move_lines(own, own_place, place, lines)
    return value


def _move_lines(own: Source, own_place: Place, place: Place, lines: dict[Place, tuple[str, int]]) -> None:
    for known, at in own.lines.items():
        if known and known[: len(own_place)] == own_place:
            lines[(*place, *known[len(own_place) :])] = at


def parse(text: str, name: str) -> Source:
    """Read YAML from *text*; *name* is what faults call it."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            value = None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "this is no YAML"
        line = mark.line + 1 if mark else 1
        cure = "check the indentation, the colons and the quotes around here"
        raise Faults([Fault(file=name, line=line, where="", what=f"{problem}; {cure}")]) from None
    lines: dict[Place, tuple[str, int]] = {}
    doubles: list[Fault] = []
    if node is not None:
        _walk(node, (), lines, doubles, name)
    if doubles:
        raise Faults(doubles)
    return Source(name=name, value=value, lines=lines)


def _walk(
    node: yaml.Node, place: Place, lines: dict[Place, tuple[str, int]], doubles: list[Fault], name: str
) -> None:
    lines.setdefault(place, (name, node.start_mark.line + 1))
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = key_node.value
            inner = (*place, key)
            line = key_node.start_mark.line + 1
            if inner in lines:
                what = f"'{key}' is already set on line {lines[inner][1]}; keep one of them"
                doubles.append(Fault(file=name, line=line, where=".".join(map(str, place)), what=what))
                continue
            lines[inner] = (name, line)
            _walk(value_node, inner, lines, doubles, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), lines, doubles, name)


def _field_names(model: type[BaseModel]) -> list[str]:
    """Return all field names of *model* and the models inside it, for "did you mean"."""
    names: list[str] = []
    seen: set[type[BaseModel]] = set()
    todo = [model]
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        for name, info in current.model_fields.items():
            names.append(info.alias or name)
            todo.extend(_models_in(info.annotation))
    return names


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models_in(inner)]
