"""The page of logins: how they are, what to do about it, and all that can be done with them."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.errors import ReeldeckError
from core.domain.profile import Profile, ProfileStatus
from tui.actions import bindings_of
from tui.deck import Deck
from tui.logins import (
    health_of,
    login_detail,
    login_heads,
    login_row,
    name_of,
    no_logins,
)
from tui.present import SEPARATOR, Line
from tui.screens.add_login import AddLoginScreen
from tui.screens.how_to import HowToScreen
from tui.screens.roster import RosterScreen
from tui.widgets.roster import Row


class AuthScreen(RosterScreen):
    """Shows the logins; checks, adds and removes them.

    Args:
        deck: What all screens share.
    """

    PAGE = "auth"
    BINDINGS = bindings_of(PAGE)

    def __init__(self, deck: Deck) -> None:
        super().__init__(deck)
        self._checking: set[int] = set()

    @property
    def profiles(self) -> Sequence[Profile]:
        """Those that need their owner first, then by source and name."""
        needy = {profile.id for profile in self.deck.needy_logins()}
        return sorted(
            self.deck.sync.profiles or (),
            key=lambda profile: (profile.id not in needy, profile.source_type, profile.name, profile.id),
        )

    def headline(self) -> Line:
        """How many there are, and how many need somebody."""
        count, needy = len(self.profiles), len(self.deck.needy_logins())
        line: Line = ((" Logins", "strong"), (f"  {count}", "dim"))
        if needy:
            need = "needs" if needy == 1 else "need"
            line = (*line, (f"  {SEPARATOR}  ", "dim"), (f"{needy} {need} you", "bad"))
        return line

    def heads(self, width: int) -> Line:
        """Names of the columns."""
        return login_heads(width)

    def rows(self, width: int, now: float) -> list[Row]:
        """One for each login."""
        return [
            (
                profile.id,
                login_row(
                    profile,
                    self.deck.index.waiting_for(profile),
                    now,
                    width,
                    is_checking=profile.id in self._checking,
                ),
            )
            for profile in self.profiles
        ]

    def detail(self, width: int, now: float) -> list[Line]:
        """The login under the cursor."""
        profile = self._chosen()
        if profile is None:
            return []
        waiting, is_checking = self.deck.index.waiting_for(profile), profile.id in self._checking
        return login_detail(profile, waiting, now, width, is_checking=is_checking, key=self.key)

    def placeholder(self) -> Sequence[Line]:
        """How to add the first one."""
        deck = self.deck
        return no_logins(is_loaded=deck.sync.profiles is not None, is_lost=deck.is_lost, key=self.key)

    def _chosen(self) -> Profile | None:
        return next((profile for profile in self.profiles if profile.id == self.roster.key), None)

    def on_roster_opened(self) -> None:
        """A double click."""
        self.do_login_jobs()

    # Actions

    def do_check(self) -> None:
        """Ask about the login under the cursor."""
        profile = self._chosen()
        if profile:
            self._check([profile])

    def do_check_all(self) -> None:
        """Ask about every login."""
        self._check(self.profiles)

    def _check(self, profiles: Sequence[Profile]) -> None:
        asked = [profile for profile in profiles if profile.id not in self._checking]
        self._checking |= {profile.id for profile in asked}
        self.paint()
        for profile in asked:
            self.run_worker(self._check_one(profile), group="check")

    async def _check_one(self, profile: Profile) -> None:
        try:
            checked = await self.deck.client.check_profile(profile.id, afresh=True)
        except ReeldeckError as error:
            self.deck.say(f"{name_of(profile)}: {error}. {error.hint}", "bad")
        else:
            self.deck.sync.adopt(checked)
            state, style = health_of(checked, self.deck.index.waiting_for(checked))
            whose = f" {SEPARATOR} {checked.account}" if checked.account else ""
            if checked.checked is None and checked.status is not ProfileStatus.DISABLED:
                whose = f" {SEPARATOR} this site has no way to ask: only the file was read"
            self.deck.say(f"{name_of(checked)}: {state[2:]}{whose}", style)
        finally:
            self._checking.discard(profile.id)
        self.paint()

    def do_add_login(self) -> None:
        """Choose a source and a file."""
        self.app.push_screen(AddLoginScreen(self.deck), self._added)

    def _added(self, profile: Profile | None) -> None:
        if profile is not None:
            self.deck.sync.adopt(profile)
            check = f"{self.key('check')} asks the site whether it takes it"
            self.deck.say(f"Added {name_of(profile)} {SEPARATOR} {check}", "good")
            self.paint()
            self.roster.move_to([each.id for each in self.profiles].index(profile.id))

    def do_remove_login(self) -> None:
        """Forget the login under the cursor; always asked."""
        profile = self._chosen()
        if profile is None:
            return
        waiting = self.deck.index.waiting_for(profile)
        others = f" {waiting} job{'s wait' if waiting > 1 else ' waits'} for it." if waiting else ""
        question = f"Forget the login {name_of(profile)}? Its file stays.{others}"
        self.ask(question, "forget it", 1, lambda: self._remove(profile))

    def _remove(self, profile: Profile) -> None:
        async def work() -> None:
            try:
                await self.deck.client.remove_profile(profile.id)
            except ReeldeckError as error:
                self.deck.say_error(error)
            else:
                self.deck.sync.forget(profile.id)
                self.deck.say(f"Forgot {name_of(profile)}", "good")

        self.run_worker(work(), group="command")

    def do_login_jobs(self) -> None:
        """The jobs that wait for the login under the cursor."""
        profile = self._chosen()
        if profile:
            self.show_jobs_that(f"state:login source:{profile.source_type}")

    def do_how_to(self) -> None:
        """How to get a cookie file."""
        self.app.push_screen(HowToScreen(self.deck))

    def do_copy_path(self) -> None:
        """The path of the login's file."""
        profile = self._chosen()
        if profile and profile.cookie_file_path:
            self.copy([profile.cookie_file_path], "path", "copy_path")
        else:
            self.deck.say("This login has no file", "warn")
