"""Settings: what they are (`settings`), where they come from (`load`), and the example file (`example`)."""
