"""yt-dlp in warm worker processes."""
