"""X Spaces: recorded live conversations, read through the API that X's own web site uses."""
