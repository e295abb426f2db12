"""HLS streams made of known bytes, served by an origin."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from Cryptodome.Cipher import AES
from Cryptodome.Util.Padding import pad

from tests.fakes.origin import Origin, Resource

SEGMENT_S = 4.0


def adts(body: bytes) -> bytes:
    """*body* with the beginning of an ADTS frame, so that it is taken for packed audio."""
    return b"\xff\xf1\x50\x80" + body


def encrypted(data: bytes, key: bytes, iv: bytes) -> bytes:
    """As AES-128 segments are."""
    return AES.new(key, AES.MODE_CBC, iv).encrypt(pad(data, 16))


def put_vod(
    origin: Origin,
    segments: Sequence[bytes],
    *,
    prefix: str = "/vod",
    query: str = "",
    key: bytes | None = None,
    iv: bytes | None = None,
    first_sequence: int = 0,
    inits: dict[int, bytes] | None = None,
    is_one_file: bool = False,
    discontinuities: Collection[int] = (),
    end: str = "#EXT-X-ENDLIST",
) -> list[Resource]:
    """Serve a playlist at `<prefix>/index.m3u8` and *segments* beside it; the segments' resources.

    Args:
        origin: Serves.
        segments: What the player shall get, in order.
        prefix: Folder.
        query: Put behind the segments' addresses.
        key: Encrypt with AES-128; the key is served as `key.bin`.
        iv: Name this IV instead of leaving it to the sequence number.
        first_sequence: Number of the first segment.
        inits: Init sections, by the segment before which they stand.
        is_one_file: All segments are ranges of one file, the later ones without an offset.
        discontinuities: Segments before which something changes.
        end: Last line of the playlist.
    """
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:5", f"#EXT-X-MEDIA-SEQUENCE:{first_sequence}"]
    if key is not None:
        origin.put(f"{prefix}/key.bin", key)
        lines.append('#EXT-X-KEY:METHOD=AES-128,URI="key.bin"' + (f",IV=0x{iv.hex()}" if iv else ""))
    resources, everything = [], b""
    for index, plain in enumerate(segments):
        data = plain
        if key is not None:
            data = encrypted(plain, key, iv or (first_sequence + index).to_bytes(16, "big"))
        if inits and index in inits:
            origin.put(f"{prefix}/init{index}.mp4", inits[index])
            lines.append(f'#EXT-X-MAP:URI="init{index}.mp4"')
        if index in discontinuities:
            lines.append("#EXT-X-DISCONTINUITY")
        lines.append(f"#EXTINF:{SEGMENT_S},")
        if is_one_file:
            lines.append(f"#EXT-X-BYTERANGE:{len(data)}" + ("@0" if index == 0 else ""))
            lines.append(f"all.bin{query}")
            everything += data
        else:
            lines.append(f"{index}.bin{query}")
            resources.append(origin.put(f"{prefix}/{index}.bin", data))
    if is_one_file:
        resources.append(origin.put(f"{prefix}/all.bin", everything))
    text = "\n".join([*lines, end]) + "\n"
    origin.put(f"{prefix}/index.m3u8", text.encode())
    return resources
