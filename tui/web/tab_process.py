"""The process behind a tab: takes the terminal it was given as its own, then is `reeldeck`."""

from __future__ import annotations

import fcntl
import sys
import termios

from tui.cli import main

if __name__ == "__main__":
    # Only a controlling terminal sends SIGHUP when it closes, and SIGWINCH when it changes.
    fcntl.ioctl(sys.stdin.fileno(), termios.TIOCSCTTY, 0)
    sys.argv = ["reeldeck"]
    main()
