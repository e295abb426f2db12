"""The engine of Reeldeck: from a link to a verified file. Knows no face (no terminal, no Telegram)."""
