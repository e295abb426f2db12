"""Lecture sites: pages of single lectures and of series, read by CSS selectors."""
