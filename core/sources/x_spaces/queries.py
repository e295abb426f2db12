"""How the web site's GraphQL query for a Space is asked: its hash, its variables, its features. No requests.

The hash names a stored query; X changes it with its web site, and old ones often go on working. Known are
those that yt-dlp, twspace-dl, twspace-crawler and others have used since 2022, newest first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

OPERATION = "AudioSpaceById"
KNOWN_HASHES = (
    "HPEisOmj1epUNLCWTYhUWw",
    "kZ9wfR8EBtiP0As3sFFrBA",
    "xVEzTKg_mLTHubK5ayL0HA",
    "p8k4kaPusjNj85gj8w_YAQ",
    "rR7CQrr8kxb6fatlUaB61Q",
    "NGSHqfm2vNCXABuvXhSMag",
    "Uv5R_-Chxbn1FEkyUkSW2w",
)
#: From before the server wanted features.
_WITHOUT_FEATURES = frozenset({"Uv5R_-Chxbn1FEkyUkSW2w"})
#: What the web site says about itself; the server refuses a query that leaves one out.
_FEATURES = {
    "dont_mention_me_view_api_enabled": True,
    "interactive_text_enabled": True,
    "responsive_web_edit_tweet_api_enabled": True,
    "responsive_web_enhance_cards_enabled": True,
    "responsive_web_uc_gql_enabled": True,
    "spaces_2022_h2_clipping": True,
    "spaces_2022_h2_spaces_communities": False,
    "standardized_nudges_misinfo": True,
    "tweet_with_visibility_results_prefer_gql_limited_actions_policy_enabled": False,
    "vibe_api_enabled": True,
}
#: The web site has some 40; an answer that asks for many more is not to be believed.
_MAX_FEATURES = 200
_MISSING = re.compile(r"features cannot be null:?\s*(\w+(?:\s*,\s*\w+)*)")


class Queries:
    """What this process has learned about the query; shared by all jobs."""

    def __init__(self) -> None:
        self._working: str | None = None
        self._refused: set[str] = set()
        self._features = dict(_FEATURES)

    def candidates(self, configured: str | None) -> list[str]:
        """Hashes to try, in this order: the configured one, the one that worked, the known ones."""
        ordered = dict.fromkeys((configured, self._working, *KNOWN_HASHES))
        return [query for query in ordered if query and query not in self._refused]

    def keep(self, query: str) -> None:
        """Remember a hash as working until it is refused."""
        self._working = query

    def refuse(self, query: str) -> None:
        """Remember that the server does not know a hash."""
        self._refused.add(query)

    def forgive(self) -> None:
        """Forget all refusals: when nothing is left, the fault may have been the server's."""
        self._refused.clear()

    def learn(self, names: Iterable[str]) -> None:
        """Send further features as off from now on, unless they become too many to be believed."""
        learned = self._features | {name: False for name in names if name not in self._features}
        if len(learned) <= _MAX_FEATURES:
            self._features = learned

    def path(self, query: str, space_id: str) -> str:
        """Path and parameters of the query with this hash."""
        parameters = {"variables": _json(_variables(space_id))}
        if query not in _WITHOUT_FEATURES:
            parameters["features"] = _json(self._features)
        return f"/graphql/{query}/{OPERATION}?{urlencode(parameters)}"


def missing_features(body: object) -> list[str]:
    """The features that an answer says were left out: `The following features cannot be null: a, b`."""
    errors = body.get("errors") if isinstance(body, Mapping) else None
    for error in errors if isinstance(errors, list) else []:
        message = error.get("message") if isinstance(error, Mapping) else None
        if isinstance(message, str) and (found := _MISSING.search(message)):
            return re.findall(r"\w+", found[1])
    return []


def _variables(space_id: str) -> Mapping[str, Any]:
    return {
        "id": space_id,
        "isMetatagsQuery": True,
        "withReplays": True,
        "withListeners": True,
        "withDownvotePerspective": False,
        "withReactionsMetadata": False,
        "withReactionsPerspective": False,
        "withSuperFollowsUserFields": True,
        "withSuperFollowsTweetFields": True,
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
