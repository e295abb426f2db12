"""Links: find them in text, normalise them, tell which media they name."""
