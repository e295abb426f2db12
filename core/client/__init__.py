"""How faces outside the engine's process reach it: `core.domain.interface` over the Unix socket."""
