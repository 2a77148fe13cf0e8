"""Third floor: Telegram in, Telegram out. The only room that knows Telegram's library."""
