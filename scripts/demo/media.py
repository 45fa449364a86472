"""The files of the demo's web site, made by FFmpeg, and what FFmpeg says of a file.

In: a folder, the size of the big one. Out: files; facts about files. Must not: talk to the daemon or to the sandbox.
"""

import dataclasses
import hashlib
import json
import math
import pathlib
import struct
import subprocess

MIB = 1024 * 1024
PIECE_SECONDS = 5
PIECE_BITS_PER_SECOND = 24_000_000
TITLE = "Harbour lights"
SUBTITLES = {"en": "It is late on the pier.", "de": "Es ist spät auf der Mole."}
PERFORMER = "The Ferrymen"


@dataclasses.dataclass
class Facts:
    """What ffprobe says of a file."""

    size: int
    duration: float
    video_codec: str | None
    audio_codec: str | None
    width: int | None
    height: int | None
    has_cover: bool
    tags: dict


def make_site(root: pathlib.Path, big_mib: int, say):
    """Fills `root`. Every film looks and sounds different, so that none is taken for another by its content."""
    root.mkdir(parents=True)
    say("making media files")
    film(root / "small.mp4", "testsrc2=size=640x360:rate=25", seconds=5, tone=330)
    film(root / "song.mp4", "mandelbrot=size=320x180:rate=15", seconds=12, tone=440, tags={"title": TITLE, "artist": PERFORMER})
    film(root / "pier.mp4", "smptehdbars=size=640x360:rate=25", seconds=6, tone=550)
    film(root / "endless.mp4", "testsrc=size=640x360:rate=25,noise=alls=60:allf=t", seconds=12, tone=660, bits_per_second=8_000_000)
    make_page(root / "page")
    make_hls(root / "hls")
    make_big(root / "big.mp4", big_mib)
    for file in sorted(root.rglob("*.mp4")):
        say(f"  {file.relative_to(root)}: {file.stat().st_size / MIB:.1f} MiB")


def film(path, picture, seconds, tone, bits_per_second=None, tags=None):
    """H.264 and AAC in MP4 with the index in front."""
    if bits_per_second is None:
        quality = ["-profile:v", "main", "-crf", "26"]
    else:
        quality = ["-b:v", str(bits_per_second), "-maxrate", str(bits_per_second), "-bufsize", str(bits_per_second // 2)]
    ffmpeg(
        *["-f", "lavfi", "-i", f"{picture},format=yuv420p", "-f", "lavfi", "-i", f"sine=frequency={tone}:sample_rate=44100"],
        *["-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", *quality],
        *["-g", "50", "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart"],
        *[argument for name, value in (tags or {}).items() for argument in ("-metadata", f"{name}={value}")],
        path,
    )


def make_big(path, big_mib):
    """Noise, which does not compress, encoded once and repeated until the size is reached."""
    piece = path.with_name("piece.tmp.mp4")
    film(
        piece,
        "testsrc2=size=1280x720:rate=25,noise=alls=40:allf=t",
        seconds=PIECE_SECONDS,
        tone=220,
        bits_per_second=PIECE_BITS_PER_SECOND,
    )
    times = math.ceil(big_mib * MIB / piece.stat().st_size)
    ffmpeg("-stream_loop", str(times - 1), "-i", piece, "-c", "copy", "-movflags", "+faststart", path)
    piece.unlink()


def make_hls(folder):
    folder.mkdir()
    film(folder / "source.tmp.mp4", "rgbtestsrc=size=640x360:rate=25", seconds=8, tone=770)
    ffmpeg(
        *["-i", folder / "source.tmp.mp4", "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"],
        *["-hls_segment_filename", folder / "part%03d.ts", folder / "film.m3u8"],
    )
    (folder / "master.m3u8").write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS="avc1.4d401e,mp4a.40.2"\nfilm.m3u8\n'
    )
    (folder / "source.tmp.mp4").rename(folder.parent / "hls-source.mp4")


def make_page(folder):
    folder.mkdir()
    (folder / "index.html").write_text(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>A walk on the pier</title></head>\n<body>\n"
        "<h1>A walk on the pier</h1>\n<p>Filmed in the evening.</p>\n"
        '<video controls width="640"><source src="/pier.mp4" type="video/mp4">'
        '<track kind="subtitles" src="en.vtt" srclang="en"><track kind="subtitles" src="de.vtt" srclang="de"></video>\n</body>\n</html>\n'
    )
    for language, text in SUBTITLES.items():
        (folder / f"{language}.vtt").write_text(f"WEBVTT\n\n00:00.500 --> 00:01.500\n{text}\n", encoding="utf-8")


def ffmpeg(*arguments):
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def subtitles(path: pathlib.Path) -> str:
    """What the first track of text says."""
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", str(path), "-map", "0:s:0", "-f", "srt", "-"]
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8").stdout


def facts(path: pathlib.Path) -> Facts:
    command = ["ffprobe", "-hide_banner", "-loglevel", "error", "-of", "json", "-show_format", "-show_streams", str(path)]
    answer = json.loads(subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True).stdout)
    pictures = [stream for stream in answer["streams"] if stream.get("disposition", {}).get("attached_pic")]
    videos = [stream for stream in answer["streams"] if stream["codec_type"] == "video" and stream not in pictures]
    sounds = [stream for stream in answer["streams"] if stream["codec_type"] == "audio"]
    return Facts(
        size=path.stat().st_size,
        duration=float(answer["format"]["duration"]),
        video_codec=videos[0]["codec_name"] if videos else None,
        audio_codec=sounds[0]["codec_name"] if sounds else None,
        width=videos[0]["width"] if videos else None,
        height=videos[0]["height"] if videos else None,
        has_cover=bool(pictures),
        tags={name.lower(): value for name, value in answer["format"].get("tags", {}).items()},
    )


def pictures_hash(path: pathlib.Path) -> str:
    """A hash of every decoded picture in order: equal for a file and its remux, and for nothing else."""
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", str(path), "-map", "0:V:0", "-fps_mode", "passthrough", "-f", "hash", "-"]
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip()


def packets_hash(path: pathlib.Path) -> str:
    """A hash of the coded pictures, without decoding: equal for an MP4 file and its remux to MP4. For long files."""
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", str(path), "-map", "0:V:0", "-c", "copy", "-f", "hash", "-"]
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip()


def sha256(path: pathlib.Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def index_in_front(path: pathlib.Path) -> bool:
    """True if the MP4 file's `moov` box stands before its `mdat` box, so that it plays before it is whole."""
    with path.open("rb") as source:
        while header := source.read(8):
            if len(header) < 8:
                return False
            length, kind = struct.unpack(">I4s", header)
            if kind in (b"moov", b"mdat"):
                return kind == b"moov"
            taken = 8
            if length == 1:
                length, taken = struct.unpack(">Q", source.read(8))[0], 16
            if length < taken:
                return False
            source.seek(length - taken, 1)
    return False
