"""A small Telegram on localhost: a Bot API server, and a page with the people's phones.

It knows nothing of the bot that is tried in it; to the bot it looks like api.telegram.org.
"""
