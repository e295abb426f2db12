"""Plain values everybody may import: states, events, media, errors. Standard library only."""
