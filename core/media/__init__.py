"""Files: ffmpeg, probing, merging, checking."""
