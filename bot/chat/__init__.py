"""Third floor: Telegram in, Telegram out. The only room that knows Telegram's library."""

import os

# python-telegram-bot: pauses come as timedeltas, not as plain seconds (its coming default).
os.environ.setdefault("PTB_TIMEDELTA", "1")
