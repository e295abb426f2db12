"""How Sphinx builds the pages: `make site`. Warnings are errors, dead links among the pages too."""

project = "Reeldeck"
author = "Reeldeck"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Reeldeck"
html_copy_source = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
exclude_patterns = ["*.py"]
# Blocks of text for people's eyes have no lexer that fits.
highlight_language = "none"
