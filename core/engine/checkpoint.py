"""The keys of a checkpoint: what each finished stage of a job leaves for the next ones."""

from __future__ import annotations

RESOLUTION = "resolution"
RESOLVED_AT = "resolved_at"
#: The stored resolution lacks cookies that the download needs.
STRIPPED = "stripped"
FETCHED = "fetched"
OUTPUT = "output"
#: Name of the picture of the thing, a JPEG beside the output; None when there is none.
COVER = "cover"
#: How long sound and picture of the fetched files are, by type of stream.
LENGTHS = "lengths"
INFO = "info"
DIGEST = "sha256"
FINAL = "final"
CRASHES = "crashes"
#: What is not as it should be although the job is done, for people.
NOTE = "note"
#: How many links have led to the present one.
HOPS = "hops"
#: How many lists have led to this item.
DEPTH = "depth"
#: Key of the job whose result is waited for.
TWIN = "twin"
#: An earlier result will not do.
FORCED = "forced"
