"""Settings: what they are (`settings`, `sources`), where they come from (`load`), the example (`example`)."""
