"""archive.org: items, their files, and which of them to take."""
