"""Every setting with its default, its unit and what it does: the example file is generated from here.

Those of sources stand in `core.config.sources`.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from string import Formatter
from typing import Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from core.config.section import SPAN, AtLeastOne, Count, Positive, Section
from core.config.sources import Sources

APP_NAME = "reeldeck"
#: In the folder of log files.
LOG_FILE = "reeldeck.jsonl"


class Paths(Section):
    """Where things are kept. Folders are made when needed."""

    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir(APP_NAME)),
        description="Database, lock and everything that must survive (default: the platform's data folder)",
    )
    archive_dir: Path | None = Field(None, description="Finished files (default: archive in data_dir)")
    tmp_dir: Path | None = Field(
        None, description="Files in the making; best on archive_dir's disk (default: tmp in data_dir)"
    )
    log_dir: Path | None = Field(None, description="Log files (default: logs in data_dir)")
    runtime_dir: Path | None = Field(None, description="The engine's socket (default: run in data_dir)")

    @field_validator("*", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        folder = value.expanduser() if value is not None else None
        if folder is not None and not folder.is_absolute():
            # It would be another one for each folder that somebody starts the program in.
            raise ValueError('should be a full path, as in "/srv/media" or "~/media"')
        return folder

    @property
    def archive(self) -> Path:
        """Folder of finished files."""
        return self.archive_dir or self.data_dir / "archive"

    @property
    def tmp(self) -> Path:
        """Folder of files in the making."""
        return self.tmp_dir or self.data_dir / "tmp"

    @property
    def log(self) -> Path:
        """Folder of log files."""
        return self.log_dir or self.data_dir / "logs"

    @property
    def runtime(self) -> Path:
        """Folder of the engine's socket."""
        return self.runtime_dir or self.data_dir / "run"


class Limits(Section):
    """How much at once, and how much at all."""

    max_parallel_jobs: AtLeastOne = Field(4, description="Jobs that run at the same time")
    max_parallel_jobs_per_source: AtLeastOne = Field(
        3, description="… of one source; [sources.NAME] max_parallel overrides it"
    )
    max_queue_length: AtLeastOne = Field(10_000, description="Unfinished jobs before new ones are refused")
    max_jobs_per_user_per_hour: Count = Field(
        0, description="New jobs a user may add in an hour; 0 = no limit"
    )
    max_jobs_per_chat_per_hour: Count = Field(
        0, description="New jobs from one chat in an hour; 0 = no limit"
    )
    max_active_jobs_per_user: Count = Field(0, description="Unfinished jobs of one user; 0 = no limit")
    max_file_size_bytes: Count = Field(0, description="Larger files are refused; 0 = no limit")
    max_playlist_items: AtLeastOne = Field(300, description="Items taken from a playlist, series or channel")
    min_free_disk_bytes: Count = Field(2 * 1024**3, description="Below this much free space jobs wait")
    bandwidth_bps: Count = Field(0, description="Bytes per second for all downloads together; 0 = no limit")
    quiet_hours: str | None = Field(
        None,
        pattern=rf"^{SPAN}$",
        examples=["01:00-07:30"],
        description="No downloads between these local times; `retry` runs a job all the same",
    )


class Timeouts(Section):
    """How long things may take, in seconds."""

    metadata_s: Positive = Field(90, description="Finding out what is behind a link")
    connect_s: Positive = Field(15, description="Making a connection")
    read_s: Positive = Field(30, description="Waiting for the next bytes")
    download_s: Positive = Field(6 * 3600, description="The download stage")
    postprocess_s: Positive = Field(3600, description="Merging, remuxing, converting")
    job_s: Positive = Field(12 * 3600, description="A whole attempt")
    stall_s: Positive = Field(120, description="No new byte for this long is a standstill")
    live_outage_s: Positive = Field(
        600, description="Nothing new of a live recording for this long; no other limit holds for one"
    )


class Retries(Section):
    """When a failed attempt is repeated."""

    max_retries: Count = Field(3, description="Automatic repeats of a job")
    backoff_s: tuple[Positive, ...] = Field(
        (60, 300, 900), description="Wait before each repeat, give or take 10 %"
    )


class Media(Section):
    """What finished files look like."""

    ffmpeg_path: Path | None = Field(
        None, description="ffmpeg to use (default: from PATH, else the bundled one)"
    )
    hardware: Literal["auto", "off"] = Field("auto", description="Use a hardware encoder where one works")
    audio_format: Literal["m4a", "mp3"] = Field("m4a", description="Format of audio downloads")
    audio_bitrate: Literal["low", "medium", "high"] = Field(
        "high", description="Bit rate when audio is converted"
    )
    video_container: Literal["mp4", "mkv"] = Field("mp4", description="Container of video downloads")
    embed_cover: bool = Field(default=True, description="Put the picture that the site shows into the file")
    max_height: Count = Field(0, description="Largest picture height to choose, in lines; 0 = no limit")
    prefer_format: str | None = Field(None, description="yt-dlp format expression that replaces our choice")
    skip_hls: bool = Field(default=False, description="Do not choose HLS formats of sites")
    skip_dash: bool = Field(default=False, description="Do not choose DASH formats of sites")


class Network(Section):
    """How the internet is reached."""

    allow_addresses: tuple[str, ...] = Field(
        (), description='Networks exempt from the private-address rule, e.g. ["192.168.1.0/24"]'
    )
    proxy: str | None = Field(None, description="http://, https:// or socks5:// proxy for everything")
    user_agent: str = Field(
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36",
        description="Sent where a source does not ask for another",
    )
    ca_file: Path | None = Field(None, description="Certificates to trust instead of the bundled ones (PEM)")
    max_connections_per_file: AtLeastOne = Field(16, description="Connections for one file, at most")
    max_connections_per_host: AtLeastOne = Field(
        48, description="Connections to one host and port, all transfers together; they share them evenly"
    )
    use_aria2c: bool = Field(default=False, description="Fetch plain files with aria2c where it is installed")

    @field_validator("allow_addresses")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value


#: What a caption can tell of a file.
CAPTION_FIELDS = ("title", "url", "duration", "artist", "album", "source")


class TelegramServer(Section):
    """Another Telegram server, for tests or private ones."""

    dc_id: int | None = Field(None, description="Number of the data centre")
    host: str | None = Field(None, description="Its address")
    port: int | None = Field(None, description="Its port")
    public_key_file: Path | None = Field(None, description="Its public RSA key (PEM)")


class Telegram(Section):
    """The account that watches chats."""

    enabled: bool = Field(default=False, description="Connect to Telegram")
    api_id: int | None = Field(None, description="From my.telegram.org")
    api_hash: SecretStr | None = Field(None, description="From my.telegram.org (secret)")
    bot_token: SecretStr | None = Field(None, description="Work as a bot instead of an account (secret)")
    session_file: Path | None = Field(
        None, description="Login of the account (default: telegram.session in data_dir)"
    )
    admin_ids: tuple[int, ...] = Field((), description="Numeric ids of people who may command")
    command_prefix: str = Field("/", min_length=1, description="What commands in chats begin with")
    flood_sleep_s: Count = Field(10, description="Waits up to this long are slept through, longer ones park")
    caption_template: str = Field(
        "{title}\n{url}",
        description=f"Text below sent files, from {', '.join(f'{{{name}}}' for name in CAPTION_FIELDS)}",
    )
    upload_connections: AtLeastOne = Field(1, description="Connections for uploads")
    download_connections: AtLeastOne = Field(1, description="Connections for downloads")
    allow_protected: bool = Field(
        default=False, description="Keep media of chats that forbid to save what is sent there"
    )
    server: TelegramServer = TelegramServer()

    @field_validator("caption_template")
    @classmethod
    def _has_known_fields(cls, value: str) -> str:
        for _, name, spec, conversion in Formatter().parse(value):
            if name is not None and (name not in CAPTION_FIELDS or spec or conversion):
                raise ValueError(f"{{{name}}} is none of {', '.join(CAPTION_FIELDS)}")
        return value


class Archive(Section):
    """How finished files are filed."""

    template: str = Field("{source}/{uploader}/{title}", description="Folder and name below archive_dir")
    default_on: bool = Field(
        default=True, description="Keep files after delivery unless a chat says otherwise"
    )
    retention_days: Count = Field(
        0, description="Delete archived files after this many days, keeping their records; 0 = never"
    )
    tmp_max_age_h: Positive = Field(72, description="Hours after which abandoned temporary files are deleted")


class Api(Section):
    """How programs and the dashboard reach the engine."""

    socket_path: Path | None = Field(None, description="Unix socket (default: engine.sock in runtime_dir)")
    tcp_host: str = Field("127.0.0.1", description="Address of the HTTP API")
    tcp_port: Count = Field(0, le=65_535, description="Port of the HTTP API; 0 = off")
    allowed_hosts: tuple[str, ...] = Field((), description="Further Host names that the HTTP API answers to")
    requests_per_s: Count = Field(
        50, description="Requests a second of each token, five seconds' worth at once; 0 = any number"
    )


class Logging(Section):
    """What is written down."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Lowest level that is kept"
    )
    json_file: bool = Field(default=True, description="Write reeldeck.jsonl into log_dir")
    max_bytes: AtLeastOne = Field(20 * 1024**2, description="Size at which a log file is rotated")
    backups: Count = Field(5, description="Rotated files to keep")


class Webhooks(Section):
    """Who is told when a job ends."""

    urls: tuple[str, ...] = Field(
        (), description="Addresses that get a signed POST, again until they take it"
    )
    secret_file: Path | None = Field(None, description="File with what signs them, a secret a line")


class StoreSettings(Section):
    """Where jobs are stored."""

    url: str | None = Field(
        None, description="Another database file, as sqlite:///path (default: reeldeck.db in data_dir)"
    )


class Settings(BaseModel):
    """The whole configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: Paths = Paths()
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    retries: Retries = Retries()
    media: Media = Media()
    network: Network = Network()
    sources: Sources = Sources()
    telegram: Telegram = Telegram()
    archive: Archive = Archive()
    api: Api = Api()
    logging: Logging = Logging()
    webhooks: Webhooks = Webhooks()
    store: StoreSettings = StoreSettings()
    keys: dict[str, str] = Field(
        {},
        examples=[{"pause": "p", "page_down": "Ctrl+d PgDn"}],
        description="Keys of the dashboard: actions by their names in docs/keys.md, keys with spaces between",
    )
