"""Logins per source."""
