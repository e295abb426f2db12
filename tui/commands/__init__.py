"""One file for each group of commands; `tui.cli` loads them when used."""
