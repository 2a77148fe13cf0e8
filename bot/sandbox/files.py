"""What was uploaded or sent: pictures, documents, and a few samples."""

import math
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache

from bot.sandbox.model import JSON, File

LARGEST_DOWNLOAD = 20_000_000
_SIZES = (90, 320, 800, 1280)
_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "application/pdf": "pdf",
    "audio/ogg": "oga",
    "video/mp4": "mp4",
}


class Files:
    """Every file in the sandbox, by its id and by its path."""

    def __init__(self) -> None:
        self._by_id: dict[str, File] = {}
        self._by_path: dict[str, File] = {}
        self._number = 0

    def by_id(self, file_id: str) -> File | None:
        """Return the file the bot knows by this id."""
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> File | None:
        """Return the file at a path that getFile gave out."""
        return self._by_path.get(path)

    def keep(self, content: bytes, *, kind: str, name: str, mime: str) -> File:
        """Keep one file; *kind* is the folder: photos, documents, voice."""
        self._number += 1
        ending = name.rsplit(".", 1)[-1] if "." in name else _ENDINGS.get(mime, "bin")
        file = File(
            file_id=f"SANDBOX{kind[:2].upper()}-{self._number:06d}-{zlib.crc32(content):08x}",
            unique_id=f"SBX{self._number:06d}",
            path=f"{kind}/file_{self._number}.{ending}",
            name=name,
            mime=mime,
            content=content,
        )
        self._by_id[file.file_id] = self._by_path[file.path] = file
        return file

    def keep_photo(self, content: bytes) -> tuple[tuple[File, ...], list[JSON]]:
        """Keep a picture and return it with its PhotoSize list, smallest first.

        Telegram scales pictures down; here every size is the same picture under its own id.
        """
        size = picture_size(content)
        if size is None:
            raise ValueError("only PNG and JPEG pictures can be sent as a photo")
        width, height = size
        mime = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
        longest = max(width, height)
        edges = [edge for edge in _SIZES if edge < longest] + [min(longest, _SIZES[-1])]
        if len(edges) > 1 and edges[-1] == edges[-2]:
            edges.pop()
        files, sizes = [], []
        for edge in edges:
            file = self.keep(content, kind="photos", name=f"photo.{_ENDINGS[mime]}", mime=mime)
            scale = edge / longest
            files.append(file)
            sizes.append(
                {
                    **reference(file),
                    "width": max(1, round(width * scale)),
                    "height": max(1, round(height * scale)),
                }
            )
        return tuple(files), sizes

    def of_photo(self, sizes: Sequence[JSON]) -> tuple[File, ...]:
        """Return the files behind a PhotoSize list."""
        return tuple(self._by_id[size["file_id"]] for size in sizes)


def reference(file: File) -> JSON:
    """Return what every kind of file says about itself."""
    return {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_size": len(file.content),
    }


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG, or None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return int(width), int(height)
    if not content.startswith(b"\xff\xd8"):
        return None
    place = 2
    while place + 9 < len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], struct.unpack(">H", content[place + 2 : place + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            return int(width), int(height)
        place += 2 + length
    return None


@lru_cache(maxsize=1)
def bruise() -> bytes:
    """Return a sample picture: a bruise on a forearm, as far as mathematics can draw one."""
    width, height = 400, 300
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            light = 1 - 0.22 * abs(y / height - 0.45) - 0.05 * math.sin(x / 37)
            distance = math.hypot((x - 215) / 62, (y - 150 - 6 * math.sin(x / 14)) / 44)
            blue, yellow = math.exp(-(distance**2) * 1.5), math.exp(-((distance - 1.35) ** 2) * 5)
            red = 226 - 118 * blue - 22 * yellow
            green = 178 - 112 * blue - 8 * yellow
            violet = 150 - 22 * blue - 62 * yellow
            rows += bytes(max(0, min(255, int(colour * light))) for colour in (red, green, violet))
    return png(width, height, bytes(rows))


def png(width: int, height: int, rows: bytes) -> bytes:
    """Return a PNG of 8-bit RGB *rows*, each beginning with its filter byte."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(rows, 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
