"""Formats as yt-dlp reports them."""

from __future__ import annotations

from typing import Any


def format_(
    format_id: str,
    *,
    vcodec: str | None = "none",
    acodec: str | None = "none",
    height: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    size = {"height": height, "width": height * 16 // 9 if height else None}
    url = f"https://cdn.example/{format_id}"
    defaults = {"protocol": "https", "ext": "mp4", "url": url}
    return {"format_id": format_id, "vcodec": vcodec, "acodec": acodec, **size, **defaults, **more}


def film(format_id: str, height: int, vcodec: str = "avc1.4d", **more: Any) -> dict[str, Any]:
    return format_(format_id, vcodec=vcodec, height=height, **more)


def sound(format_id: str, acodec: str = "mp4a.40.2", abr: float = 128, **more: Any) -> dict[str, Any]:
    return format_(format_id, acodec=acodec, abr=abr, **{"ext": "m4a", **more})


def muxed(format_id: str, height: int, **more: Any) -> dict[str, Any]:
    return format_(format_id, **{"vcodec": "avc1.4d", "acodec": "mp4a.40.2", "height": height, **more})


#: As YouTube offers them, worst first.
TUBE = [
    format_("sb0", protocol="mhtml", ext="mhtml"),
    sound("249", "opus", 50, ext="webm"),
    sound("140", abr=129.5),
    sound("251", "opus", 140, ext="webm"),
    muxed("18", 360),
    film("136", 720),
    film("247", 720, "vp9", ext="webm"),
    film("137", 1080),
    film("248", 1080, "vp9", ext="webm"),
    film("401", 2160, "av01.0", ext="mp4"),
]
