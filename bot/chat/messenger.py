"""The single exit to Telegram: one `Outgoing` becomes one call, and every answer is sorted where it arrives."""

from __future__ import annotations

import base64
import io
import logging
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.chat.request import NotTelegram
from bot.domain.message import Outgoing, Rows, plain
from bot.service.line_state import is_answer
from bot.service.ports import Gone, Moved, Outcome, Refused, Sent, TryLater, Unknown

log = logging.getLogger(__name__)

#: How long `is_there` waits for a connection, and for an answer, in seconds: danger may wait for it.
_SHORT = 5.0
#: What Telegram says of a chat that cannot be reached any more, although it calls it a bad request.
_GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "group chat was deactivated",
    "input_user_deactivated",
)
#: What it says of a message that can no longer be edited.
_LOST = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
)


class TelegramMessenger:
    """Sends through python-telegram-bot; never raises, always returns what became of the message."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def send(self, chat_id: int, outgoing: Outgoing, message_id: int | None) -> Outcome:
        """Send one message; see `bot.service.ports.Messenger`."""
        try:
            return Sent(message_id=await self._send(chat_id, outgoing, message_id))
        except BadRequest as error:
            return await self._after_refusal(chat_id, outgoing, message_id, error)
        except TelegramError as error:
            return sort_error(error)
        except Exception as error:  # a message that cannot even be put together must not stop the others
            log.exception("A message could not be put together.", extra={"action": "outbox"})
            return Refused(reason=type(error).__name__)

    async def is_there(self) -> bool:
        """Ask who we are (getMe); see `bot.service.ports.Messenger`."""
        try:
            await self._bot.get_me(
                read_timeout=_SHORT, write_timeout=_SHORT, connect_timeout=_SHORT, pool_timeout=_SHORT
            )
        except TelegramError as error:
            return is_answer(sort_error(error))
        except Exception:
            log.exception("Telegram's answer could not be read.", extra={"action": "outbox"})
            return False
        return True

    async def _after_refusal(
        self, chat_id: int, outgoing: Outgoing, message_id: int | None, error: BadRequest
    ) -> Outcome:
        reason = error.message.lower()
        if "message is not modified" in reason and message_id is not None:
            return Sent(message_id=message_id)
        try:
            if outgoing.kind == "edit" and any(words in reason for words in _LOST):
                return Sent(message_id=await self._text(chat_id, outgoing))
            if "can't parse entities" in reason:
                # A fault in our markup must not keep the words from a person.
                return Sent(message_id=await self._text(chat_id, outgoing, formatted=False))
        except TelegramError as second:
            return sort_error(second)
        return sort_error(error)

    async def _send(self, chat_id: int, outgoing: Outgoing, message_id: int | None) -> int:
        match outgoing.kind:
            case "edit" if message_id is not None:
                await self._bot.edit_message_text(
                    outgoing.text,
                    chat_id=chat_id,
                    message_id=message_id,
                    parse_mode=ParseMode.HTML,
                    reply_markup=_keyboard(outgoing.buttons),
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                )
                return message_id
            case "photo":
                photo = await self._bot.send_photo(chat_id, photo=_file(outgoing), **_captioned(outgoing))
                return photo.message_id
            case "document":
                document = await self._bot.send_document(
                    chat_id, document=_file(outgoing), **_captioned(outgoing)
                )
                return document.message_id
            case "copy":
                copied = await self._bot.copy_message(
                    chat_id,
                    from_chat_id=outgoing.from_chat or 0,
                    message_id=outgoing.message_id or 0,
                    reply_markup=_keyboard(outgoing.buttons),
                )
                return copied.message_id
            case _:
                return await self._text(chat_id, outgoing)

    async def _text(self, chat_id: int, outgoing: Outgoing, *, formatted: bool = True) -> int:
        message = await self._bot.send_message(
            chat_id,
            outgoing.text if formatted else plain(outgoing.text),
            parse_mode=ParseMode.HTML if formatted else None,
            reply_markup=ForceReply() if outgoing.force_reply else _keyboard(outgoing.buttons),
            reply_parameters=_answering(outgoing),
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        return message.message_id


def sort_error(error: TelegramError) -> Outcome:
    """Sort an error: gone for good, refused for good, try later (when?), or unknown whether it arrived."""
    reason = f"{type(error).__name__}: {error.message}"
    match error:
        case RetryAfter():
            seconds = error.retry_after
            after = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
            return TryLater(reason=reason, after=after, everyone=True)
        case ChatMigrated():
            return Moved(chat_id=error.new_chat_id)
        case Forbidden():
            return Gone(reason=reason)
        case BadRequest():
            gone = any(words in error.message.lower() for words in _GONE)
            return Gone(reason=reason) if gone else Refused(reason=reason)
        case InvalidToken() | Conflict():
            return TryLater(reason=reason, after=timedelta(minutes=1))
        case NotTelegram():
            return _after_stranger(error, reason)
        case TimedOut() | NetworkError():
            return _after_network(error, reason)
        case _:
            # An answer that is no Telegram answer: the message may have been taken.
            return Unknown(reason=reason)


def _after_network(error: NetworkError, reason: str) -> Outcome:
    """Tell apart what never left from what may have arrived."""
    cause = error.__cause__
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout)):
        return TryLater(reason=reason, everyone=True)
    if isinstance(cause, httpx.PoolTimeout):
        return TryLater(reason=reason)
    if cause is not None:
        return Unknown(reason=reason)
    if "too large" in error.message.lower():  # 413, the only one of these that no waiting changes
        return Refused(reason=reason)
    return TryLater(reason=reason)  # a 5xx: the server answered that it did not take it


def _after_stranger(error: NotTelegram, reason: str) -> Outcome:
    """Sort what a proxy or a firewall said in Telegram's place: nothing of it is Telegram's word on the chat."""
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Refused(reason=reason)
    if error.code == HTTPStatus.GATEWAY_TIMEOUT:
        return Unknown(reason=reason)  # it asked Telegram, and gave up waiting for the answer
    return TryLater(reason=reason, everyone=error.code < HTTPStatus.INTERNAL_SERVER_ERROR)


def _keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(button.label, callback_data=button.data, url=button.url) for button in row]
            for row in rows
        ]
    )


def _answering(outgoing: Outgoing) -> ReplyParameters | None:
    if outgoing.reply_to is None:
        return None
    return ReplyParameters(message_id=outgoing.reply_to, allow_sending_without_reply=True)


def _file(outgoing: Outgoing) -> str | InputFile:
    if outgoing.file_id is not None:
        return outgoing.file_id
    content = base64.b64decode(outgoing.file or "")
    return InputFile(io.BytesIO(content), filename=outgoing.file_name)


def _captioned(outgoing: Outgoing) -> dict[str, Any]:
    return {
        "caption": outgoing.text or None,
        "parse_mode": ParseMode.HTML,
        "reply_markup": _keyboard(outgoing.buttons),
        "reply_parameters": _answering(outgoing),
    }
