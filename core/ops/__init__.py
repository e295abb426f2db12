"""Running for months: logs, checks, notifications."""
