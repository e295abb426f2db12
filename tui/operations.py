"""What is done now and then, as actions: part of the one list in `tui.actions`."""

from __future__ import annotations

from tui.action import LISTINGS, Action, make
from tui.situation import connected, has_copies, has_receiver, has_token

_operation = make("Operations", ("operations",))
_listed = make("Lists", LISTINGS)

#: In the order of the page of operations.
OPERATIONS: tuple[Action, ...] = (
    _operation("run", "enter", "Open", "Do what is under the cursor", footer=1),
    _operation(
        "collect",
        "c",
        "Collect a chat",
        "Fetch what a chat already holds",
        reason=connected,
    ),
    _operation(
        "import_folder",
        "i",
        "Import a folder",
        "Add your own files to the library",
        screens=("operations", "library"),
        reason=connected,
    ),
    _operation(
        "duplicates",
        "d",
        "Duplicates",
        "Files that are there twice",
        screens=("operations", "library"),
        reason=connected,
    ),
    _operation("clear", "x", "Clear", "Forget finished jobs; files stay", reason=connected),
    _operation("backup", "b", "Back up", "Jobs, library, settings in a file", reason=connected),
    _operation("checkup", "o", "Check-up", "Is everything right here?"),
    _operation("webhooks", "w", "Webhooks", "Who is told when jobs end", reason=connected),
    _operation("tokens", "t", "Tokens", "Who may use the HTTP API over TCP", reason=connected),
    _operation("audit", "a", "Changes", "Who changed what, and when", reason=connected),
    _operation(
        "collect",
        "c",
        "Collect a chat",
        "Fetch what a chat already holds",
        screens=("chats",),
        reason=connected,
        footer=8,
    ),
    _listed(
        "delete_copies",
        "D",
        "Keep one",
        "Delete all but the oldest of these",
        screens=("duplicates",),
        reason=has_copies,
        footer=1,
    ),
    _listed(
        "delete_all_copies",
        "A",
        "Keep one of each",
        "Delete all but the oldest of everything listed",
        screens=("duplicates",),
        reason=has_copies,
        footer=2,
    ),
    _listed(
        "copy_path",
        "Y",
        "Copy paths",
        "Copy the files' paths; again: show them",
        screens=("duplicates",),
        reason=has_copies,
        footer=3,
    ),
    _listed(
        "test_webhook",
        "t",
        "Test",
        "Send it a signed message of the type test",
        screens=("webhooks",),
        reason=has_receiver,
        footer=1,
    ),
    _listed(
        "send_webhooks",
        "s",
        "Send now",
        "Try at once what waits for it",
        screens=("webhooks",),
        reason=has_receiver,
        footer=2,
    ),
    _listed(
        "add_token",
        "a",
        "New token",
        "Make one; it is shown once",
        screens=("tokens",),
        reason=connected,
        footer=1,
    ),
    _listed(
        "revoke",
        "D",
        "End it",
        "It opens nothing any more, at once",
        screens=("tokens",),
        reason=has_token,
        footer=2,
    ),
    _listed("check_again", "r", "Check again", "Look at everything anew", screens=("checkup",), footer=1),
)
