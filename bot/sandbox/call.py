"""One call of the bot: its method and parameters, however they were sent."""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from bot.sandbox.model import JSON
from bot.sandbox.refusal import bad_request

LARGEST_UPLOAD = 50_000_000


@dataclass(frozen=True)
class Upload:
    """A file that came with a call."""

    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Call:
    """A method's name with its parameters and files; readers refuse what Telegram refuses."""

    method: str
    params: dict[str, Any]
    files: dict[str, Upload]

    def text(self, name: str) -> str:
        """Return a parameter as text; empty if it was not given."""
        value = self.params.get(name)
        return "" if value is None else value if isinstance(value, str) else json.dumps(value)

    def integer(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        value = self.params.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f'invalid {name} value "{value}" specified') from None

    def flag(self, name: str) -> bool:
        """Return a yes or no."""
        return str(self.params.get(name, "")).lower() in ("true", "1", "yes", "t", "y")

    def value(self, name: str) -> Any:
        """Return an object or list, which a form carries as JSON; None if it was not given."""
        value = self.params.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            what = name.replace("_", " ")
            raise bad_request(f"can't parse {what} JSON object") from None

    def mapping(self, name: str) -> JSON | None:
        """Return an object."""
        value = self.value(name)
        if value is not None and not isinstance(value, dict):
            raise bad_request(f"object expected as {name.replace('_', ' ')}")
        return value

    def sequence(self, name: str) -> list[Any] | None:
        """Return a list."""
        value = self.value(name)
        if value is not None and not isinstance(value, list):
            raise bad_request(f"can't parse {name}: expected an Array")
        return value

    def upload(self, name: str) -> Upload | None:
        """Return the file sent as *name*, directly or by "attach://"."""
        attached = self.params.get(name)
        if isinstance(attached, str) and attached.startswith("attach://"):
            return self.files.get(attached.removeprefix("attach://"))
        return self.files.get(name)

    def recorded(self) -> dict[str, Any]:
        """Return the parameters as they are written into the record, JSON opened, files named."""
        opened = {name: _opened(value) for name, value in self.params.items()}
        return opened | {
            name: f"<{upload.name}, {len(upload.content)} bytes>" for name, upload in self.files.items()
        }


async def read_call(method: str, request: Request) -> Call:
    """Read the parameters from the address, a form, a multipart body or JSON."""
    params: dict[str, Any] = dict(request.query_params)
    files: dict[str, Upload] = {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        body = await request.body()
        try:
            sent = json.loads(body) if body.strip() else {}
        except ValueError:
            sent = None
        if not isinstance(sent, dict):
            raise bad_request("can't parse JSON object")
        params |= sent
    elif kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form(max_part_size=LARGEST_UPLOAD) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    mime = value.content_type or "application/octet-stream"
                    files[name] = Upload(value.filename or name, mime, await value.read())
                else:
                    params[name] = value
    return Call(method, params, files)


def _opened(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
