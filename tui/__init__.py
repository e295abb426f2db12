"""The terminal faces: the `reeldeck` command and the dashboard."""
