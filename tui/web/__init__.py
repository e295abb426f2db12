"""The dashboard in a browser: a page that is a terminal, and behind each tab a dashboard of its own."""
