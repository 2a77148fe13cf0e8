"""First floor: YAML into values, every fault with file, line and cure. Nothing here knows a database or Telegram."""
