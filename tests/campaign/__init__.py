"""Campaigns: many seeded rounds of what can go wrong. `make campaign` runs the long form."""
