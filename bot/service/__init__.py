"""Second floor: what the program does.

Each step is one transaction, takes the moment as an argument, and knows no Telegram.
"""
