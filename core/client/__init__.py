"""How faces outside the engine's process reach it: `core.domain.interface` over the Unix socket."""

import sys

# httpx has a command line of its own, which nobody uses here and which takes as long as the rest of httpx:
# it is told that it is not installed.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # so Python's documentation has it
