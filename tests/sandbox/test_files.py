"""Files and pictures."""

import struct

import pytest

from bot.sandbox.files import Files, bruise, picture_size, png

JPEG = (
    b"\xff\xd8\xff\xe0"
    + struct.pack(">H", 4)
    + b"xx\xff\xc0"
    + struct.pack(">HBHH", 11, 8, 480, 640)
    + b"\0" * 8
)


def test_pictures_tell_their_size() -> None:
    """PNG and JPEG; anything else is no picture."""
    assert picture_size(bruise()) == (400, 300)
    assert picture_size(JPEG) == (640, 480)
    assert picture_size(b"GIF89a") is None
    assert picture_size(b"\xff\xd8") is None


def test_a_photo_has_several_sizes_smallest_first() -> None:
    """Each size can be fetched by its own id; the largest is at most 1,280 long."""
    files = Files()
    kept, sizes = files.keep_photo(JPEG)
    _, small = files.keep_photo(png(1, 1, b"\0\0\0\0"))
    _, wide = files.keep_photo(b"\x89PNG\r\n\x1a\n" + b"\0" * 8 + struct.pack(">II", 4000, 10))

    assert [(s["width"], s["height"]) for s in sizes] == [(90, 68), (320, 240), (640, 480)]
    assert [files.by_id(s["file_id"]) for s in sizes] == list(kept)
    assert [(s["width"], s["height"]) for s in small] == [(1, 1)]
    assert (wide[-1]["width"], wide[-1]["height"]) == (1280, 3)
    with pytest.raises(ValueError, match="PNG and JPEG"):
        files.keep_photo(b"text")


def test_files_are_found_by_id_and_path() -> None:
    """Two files with the same content are two files."""
    files = Files()
    first, second = (files.keep(b"x", kind="documents", name="a.csv", mime="text/csv") for _ in range(2))

    assert first.file_id != second.file_id
    assert files.by_path(second.path) is second
    assert second.path.endswith(".csv")
    assert files.by_id("nothing") is None
