"""Third floor, beside `bot.chat`: what comes in over HTTP. Knows starlette and uvicorn, and no Telegram library."""
