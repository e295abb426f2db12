"""The steps of `reeldeck setup`: each asks, checks, and stores what was answered before the next one asks."""
