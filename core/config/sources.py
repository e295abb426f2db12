"""The settings of sources: what can be set for any, and what some have of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from core.config.section import SPAN, AtLeastOne, Count, Positive, Section


class SourceSettings(Section):
    """What can be set for any source."""

    enabled: bool = Field(default=True, description="Take links of this source")
    max_parallel: AtLeastOne | None = Field(None, description="Jobs of this source at the same time")
    proxy: str | None = Field(
        None, description='Proxy for this source; "direct" = none, whatever network.proxy says'
    )
    user_agent: str | None = Field(None, description="Sent instead of network.user_agent")
    rate_per_s: Positive | None = Field(None, description="Requests a second to one host")
    bandwidth_bps: Count = Field(0, description="Bytes per second for this source; 0 = no limit of its own")
    quiet_hours: str | None = Field(
        None,
        pattern=rf"^({SPAN}|off)$",
        examples=["off"],
        description='Instead of limits.quiet_hours; "off" = none for this source',
    )
    check_url: str | None = Field(
        None, description="Page that tells whether a login is still taken, instead of the known one"
    )
    check_signed_in: str | None = Field(None, description="Text in that page that only members see")


_USUAL = SourceSettings()


class Site(Section):
    """A lecture site described by data."""

    name: str = Field(description="What the site is called")
    hosts: tuple[str, ...] = Field(description="Its hosts, each with a port where it is not the usual one")
    layout: Literal["way2allah", "islamway", "custom"] = Field(
        "custom", description="A known layout, or one described by the CSS selectors below"
    )
    title: str | None = Field(None, description="Selector of the title")
    lecturer: str | None = Field(None, description="Selector of the lecturer's name")
    series: str | None = Field(None, description="Selector of the series' name")
    number: str | None = Field(None, description="Selector of the number in the series")
    audio: str | None = Field(None, description="Selector of the links to audio files")
    video: str | None = Field(None, description="Selector of the links to video files")
    items: str | None = Field(None, description="Selector of the links to a series' items")
    next: str | None = Field(None, description="Selector of the link to the next page of items")


class XSettings(SourceSettings):
    """X Spaces."""

    api_base: str | None = Field(None, description="Another address of the API")
    web_base: str | None = Field(None, description="Another address of the web site")
    cookie_file: Path | None = Field(None, description="Netscape cookie file of a login")
    auth_token: SecretStr | None = Field(None, description="The auth_token cookie (secret)")
    ct0: SecretStr | None = Field(None, description="The ct0 cookie (secret)")
    query_id: str | None = Field(
        None, description="Query hash of AudioSpaceById, when the known ones are refused"
    )


class ArchiveOrgSettings(SourceSettings):
    """archive.org."""

    base: str | None = Field(None, description="Another address of archive.org")


class ShortLinkSettings(SourceSettings):
    """Shorteners."""

    hosts: tuple[str, ...] = Field(
        (), description="Further shorteners, each with a port where it is not the usual one"
    )


class LectureSettings(SourceSettings):
    """Lecture sites."""

    sites: tuple[Site, ...] = Field((), description="Further sites, described by CSS selectors")


class YtdlpSettings(SourceSettings):
    """Sites without a name of their own here, through yt-dlp."""

    allow: tuple[str, ...] = Field(
        ("*",),
        description='Extractors and hosts that may be used, e.g. ["ard*", "zdf.de"]; a - in front refuses: '
        '["*", "-generic"] leaves out the guess at pages of any site',
    )


#: Sites that lock out who comes too often, and how they are treated unless configured.
GENTLE: Mapping[str, Mapping[str, float]] = {
    "facebook": {"max_parallel": 2, "rate_per_s": 2},
    "instagram": {"max_parallel": 2, "rate_per_s": 0.5},
    "tiktok": {"max_parallel": 2, "rate_per_s": 2},
}


class Sources(BaseModel):
    """Settings per source; any other source's name is a table of the common keys."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, SourceSettings]

    x: XSettings = XSettings()
    archive_org: ArchiveOrgSettings = ArchiveOrgSettings()
    tariq_allah: LectureSettings = LectureSettings()
    short_links: ShortLinkSettings = ShortLinkSettings()
    ytdlp: YtdlpSettings = YtdlpSettings()

    @model_validator(mode="before")
    @classmethod
    def _be_gentle(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        tables = dict(given)
        for name, usual in GENTLE.items():
            table = tables.get(name, {})
            tables[name] = {**usual, **table} if isinstance(table, Mapping) else table
        return tables

    def own_limits(self) -> list[int]:
        """Every `max_parallel` that is set for a source."""
        named = [getattr(self, name) for name in type(self).model_fields]
        every: list[SourceSettings] = [*named, *(self.__pydantic_extra__ or {}).values()]
        return [source.max_parallel for source in every if source.max_parallel is not None]

    def of(self, name: str) -> SourceSettings:
        """Settings of the source *name*, defaults when nothing is set."""
        found: Any = (
            getattr(self, name, None)
            if name in type(self).model_fields
            else (self.__pydantic_extra__ or {}).get(name)
        )
        return found if found is not None else _USUAL
