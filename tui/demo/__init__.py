"""Everything at once on media that this machine makes and serves itself: no account, no network."""
