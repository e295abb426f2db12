"""From an address to a whole file: ranges, resuming, proof."""
