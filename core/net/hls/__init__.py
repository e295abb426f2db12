"""From a playlist to a whole file: segments in order, keys, proof."""
