"""Telegram's HTML into plain text and entities, with Telegram's own complaints."""

import re
from dataclasses import dataclass

from bot.sandbox.model import JSON
from bot.sandbox.refusal import Refusal, bad_request

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
}
_ATTRIBUTE = re.compile(r"""\s*([a-zA-Z-]+)(?:\s*=\s*("[^"]*"|'[^']*'|[a-zA-Z0-9.-]+))?""")
_PLAIN = re.compile(r"[^<&]+")
_CHARACTER = re.compile(r"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}

_FOUND = (
    ("url", re.compile(r"\b(?:https?://|www\.|t\.me/)[^\s<>\"]*[^\s<>\".,;:!?)\]'*]")),
    ("email", re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")),
    ("bot_command", re.compile(r"(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<![\w@])@[A-Za-z0-9_]{4,32}\b")),
    ("phone_number", re.compile(r"(?<![\w+])\+\d[\d ()-]{6,18}\d\b")),
)


def utf16(text: str) -> int:
    """Return the length of *text* as Telegram counts it, in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True)
class _Open:
    """A tag that is not closed yet."""

    tag: str
    attributes: dict[str, str]
    offset: int
    begin: int


def parse_html(source: str) -> tuple[str, list[JSON]]:
    """Return the text without tags, and its entities; bad markup is refused as Telegram does."""
    parts: list[str] = []
    entities: list[JSON] = []
    stack: list[_Open] = []
    length = position = 0
    while position < len(source):
        plain = _PLAIN.match(source, position)
        if plain is not None:
            parts.append(plain.group())
            length += utf16(plain.group())
            position = plain.end()
            continue
        character = source[position]
        if character == "<" and source.startswith("/", position + 1):
            position = _close(source, position, stack, entities, length)
            continue
        if character == "<":
            opened, position = _open(source, position, length)
            stack.append(opened)
            continue
        position += 1
        reference = _CHARACTER.match(source, position - 1) if character == "&" else None
        if reference is not None:
            character, position = _referred(reference), reference.end()
        parts.append(character)
        length += utf16(character)
    if stack:
        tag, begin = stack[-1].tag, _bytes(source, stack[-1].begin)
        raise _unreadable(f'Can\'t find end tag corresponding to start tag "{tag}"', begin, end="")
    return "".join(parts), _in_order(entities)


def _open(source: str, begin: int, offset: int) -> tuple[_Open, int]:
    name = re.compile(r"[^\s>]*").match(source, begin + 1)
    tag = name.group().lower() if name else ""
    position = begin + 1 + len(tag)
    if position >= len(source):
        raise _unreadable("Unclosed start tag", _bytes(source, begin))
    if tag not in TAGS:
        raise _unreadable(f'Unsupported start tag "{tag}"', _bytes(source, begin))
    attributes: dict[str, str] = {}
    while source[position : position + 1] != ">":
        attribute = _ATTRIBUTE.match(source, position)
        if attribute is None:
            rest = source[position:].lstrip()
            if rest.startswith(">"):
                position = len(source) - len(rest)
                break
            raise _unreadable("Unclosed start tag", _bytes(source, begin))
        attributes[attribute[1].lower()] = parse_references((attribute[2] or "").strip("\"'"))
        position = attribute.end()
    if tag == "span" and attributes.get("class") != "tg-spoiler":
        raise _unreadable('Tag "span" must have class "tg-spoiler"', _bytes(source, begin))
    return _Open(tag, attributes, offset, begin), position + 1


def _close(source: str, begin: int, stack: list[_Open], entities: list[JSON], length: int) -> int:
    end = source.find(">", begin)
    if end < 0:
        raise _unreadable("Unclosed end tag", _bytes(source, begin))
    tag = source[begin + 2 : end].strip().lower()
    if not stack:
        raise _unreadable("Unexpected end tag", _bytes(source, begin))
    if tag and tag != stack[-1].tag:
        what = f'expected "</{stack[-1].tag}>", found "</{tag}>"'
        raise _unreadable("Unmatched end tag", _bytes(source, begin), end=f", {what}")
    opened = stack.pop()
    size = length - opened.offset
    if size:
        _add(entities, opened, size, inside=stack[-1].tag if stack else "")
    return end + 1


def _add(entities: list[JSON], opened: _Open, size: int, inside: str) -> None:
    entity: JSON = {"type": TAGS[opened.tag], "offset": opened.offset, "length": size}
    language = opened.attributes.get("class", "").removeprefix("language-")
    if opened.tag == "code" and inside == "pre":
        entity["language"] = language
    elif opened.tag == "pre":
        code = next((e for e in entities if e["type"] == "code" and e["offset"] == opened.offset), None)
        if code is not None and code["length"] == size:
            entities.remove(code)
            if code.get("language"):
                entity["language"] = code["language"]
    elif opened.tag == "a":
        url = opened.attributes.get("href", "")
        if not re.match(r"(https?://|tg://|mailto:|tel:)?[^\s]+\.?[^\s]*$", url):
            return
        entity["url"] = url if re.match(r"[a-z]+:", url) else f"http://{url}"
    elif opened.tag == "blockquote" and "expandable" in opened.attributes:
        entity["type"] = "expandable_blockquote"
    entities.append(entity)


def parse_references(source: str) -> str:
    """Return *source* with &lt;, &amp;, &#39; and the like replaced."""
    return _CHARACTER.sub(_referred, source)


def _referred(reference: re.Match[str]) -> str:
    if reference[3]:
        return _NAMED[reference[3]]
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else reference.group()


def _unreadable(what: str, begin: int, end: str = "") -> Refusal:
    place = "" if what.startswith("Can't find") else f" at byte offset {begin}"
    return bad_request(f"can't parse entities: {what}{place}{end}")


def _bytes(source: str, position: int) -> int:
    return len(source[:position].encode())


def _in_order(entities: list[JSON]) -> list[JSON]:
    return sorted(entities, key=lambda e: (e["offset"], -e["length"]))


def trim(text: str, entities: list[JSON]) -> tuple[str, list[JSON]]:
    """Cut white space at both ends, as Telegram does, and move the entities along."""
    shift = utf16(text) - utf16(text.lstrip())
    text = text.strip()
    size = utf16(text)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - shift, 0)
        end = min(entity["offset"] - shift + entity["length"], size)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return text, kept


def with_found(text: str, entities: list[JSON]) -> list[JSON]:
    """Add what Telegram finds by itself: links, commands, mentions, addresses, phone numbers."""
    closed = [e for e in entities if e["type"] in ("code", "pre", "text_link", "text_mention")]
    result = list(entities)
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            offset, length = utf16(text[: match.start()]), utf16(match.group())
            apart = all(offset + length <= e["offset"] or e["offset"] + e["length"] <= offset for e in closed)
            if apart:
                entity = {"type": kind, "offset": offset, "length": length}
                result.append(entity)
                closed.append(entity)
    return _in_order(result)
