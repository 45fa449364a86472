"""Time of the media process beside the ffmpeg program's: a transcode, a remux, its start.

In: clips. Out: ratios, the worst of all clips; milliseconds. Must not: go by the daemon: the process is asked as the daemon asks it.
"""

import json
import os
import select
import socket
import statistics
import subprocess
import time
from fractions import Fraction

from tools import Failed, facts, ffmpeg, say

TRIES = 5
CRF = 23
PRESET = "veryfast"
KEY_FRAME_S = 5
AUDIO_BIT_RATE = 128_000
REMUX_BYTES = {False: 1_000_000_000, True: 150_000_000}


def transcode(arguments, clips, folder):
    """The same transcode by both, by turns: the shortest times of each."""
    ratios = []
    for name in clips.names:
        source, of = clips.clip(name), facts(clips.clip(name))
        work = {"encode": {"settings": {"codec": "h264", "preset": PRESET, "max_short_side": None, "max_frame_rate": 60.0, "square": False}, "rate": {"quality": CRF}}}
        task = make(source, folder, "ours.mp4", work, {"encode": {"codec": "aac", "bit_rate": AUDIO_BIT_RATE, "mono": False, "loudness": False}})
        program = ["-i", source, "-vf", f"fps={of.rate},scale={of.width}:{of.height}:flags=bicubic,format=yuv420p", "-c:v", "libx264"]
        program += ["-preset", PRESET, "-crf", CRF, "-g", round(Fraction(of.rate) * KEY_FRAME_S), "-c:a", "aac", "-b:a", AUDIO_BIT_RATE]
        program += ["-movflags", "+faststart", folder / "theirs.mp4"]
        ours, theirs = [], []
        with Zygote(arguments) as zygote:
            for _ in range(TRIES):
                theirs.append(ffmpeg(*program).seconds)
                ours.append(child(zygote, task).seconds)
        ratios.append(min(ours) / min(theirs))
        say(f"{name}: {ratios[-1]:.3f}")
    return {"transcode_vs_ffmpeg": max(ratios)}


def remux(arguments, clips, folder):
    """A large file into a new container with its index in front."""
    size = REMUX_BYTES[arguments.quick]
    piece, large = folder / "piece.mp4", folder / "large.mkv"
    ffmpeg(
        *["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25,noise=alls=40:allf=t", "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", 5],
        *["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "24M", "-pix_fmt", "yuv420p", "-c:a", "aac", piece],
    )
    ffmpeg("-stream_loop", size // piece.stat().st_size, "-i", piece, "-c", "copy", large)
    task = make(large, folder, "ours.mp4", "copy", "copy")
    ours, theirs = [], []
    with Zygote(arguments) as zygote:
        for _ in range(TRIES):
            theirs.append(ffmpeg("-i", large, "-c", "copy", "-movflags", "+faststart", folder / "theirs.mp4").seconds)
            ours.append(child(zygote, task).seconds)
    say(f"{large.stat().st_size} bytes: {min(ours):.2f} s, ffmpeg {min(theirs):.2f} s")
    return {"remux_vs_ffmpeg": min(ours) / min(theirs)}


def start(arguments, clips, folder):
    """From the wish for a process to its first word of progress."""
    task = make(clips.clip(clips.names[0]), folder, "ours.mp4", "copy", "copy")
    with Zygote(arguments) as zygote:
        return {"child_start_ms": statistics.median(child(zygote, task).first_ms for _ in range(9))}


def make(source, folder, name, video, audio):
    """A request as the daemon makes it (src/media/protocol.rs)."""
    output = {"path": str(folder / name), "container": "mp4", "video": video, "audio": audio, "title": None, "artist": None}
    output |= {"cover": False, "live": False, "expected_s": None, "album": None}
    task = {"task": "make", "inputs": [{"path": str(source), "growing": None}], "folder": str(folder), "output": output}
    task |= {"thumbnail": None, "picture": None}
    limits = {"memory_bytes": 1 << 31, "cpu_s": 36_000, "file_bytes": 1 << 34, "niceness": 0, "hardware": "off", "threads": 0}
    limits |= {"readable": [str(source)], "writable": str(folder)}
    return json.dumps({"limits": limits, "task": task}).encode() + b"\n"


class Child:
    """How long the process took, and until it first said something."""

    def __init__(self, seconds, first_ms):
        self.seconds, self.first_ms = seconds, first_ms


class Zygote:
    """The process that the daemon has its media processes forked by (src/media/zygote.rs)."""

    def __init__(self, arguments):
        self._orders, its_orders = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [arguments.tgferry, "media-zygote"]
        self._process = subprocess.Popen(command, stdin=its_orders, stdout=subprocess.DEVNULL, env={"LANG": "C.UTF-8"}, cwd="/")
        its_orders.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._orders.close()
        self._process.wait()

    def fork(self):
        """A media process: its stdin, stdout and stderr, and the socket that says how it ended."""
        (its_stdin, stdin), (stdout, its_stdout), (stderr, its_stderr) = os.pipe(), os.pipe(), os.pipe()
        control, its_control = socket.socketpair()
        files = [its_stdin, its_stdout, its_stderr, its_control.fileno()]
        socket.send_fds(self._orders, [b"w"], files)
        its_control.close()
        for file in files[:3]:
            os.close(file)
        return stdin, stdout, stderr, control


def child(zygote, task):
    began = time.monotonic()
    stdin, stdout, stderr, control = zygote.fork()
    os.set_blocking(stderr, False)
    os.write(stdin, task)
    first_ms, last, rest, waits = None, b"", b"", [stdout, stderr]
    while stdout in waits:
        for file in select.select(waits, [], [])[0]:
            piece = os.read(file, 1 << 16)
            if not piece:
                waits.remove(file)
            elif file == stdout:
                first_ms = first_ms or (time.monotonic() - began) * 1000
                *lines, rest = (rest + piece).split(b"\n")
                last = lines[-1] if lines else last
    status = int.from_bytes(control.recv(4), "little")
    seconds = time.monotonic() - began
    for file in (stdin, stdout, stderr):
        os.close(file)
    control.close()
    if status != 0 or json.loads(last or b"{}").get("reply") != "made":
        raise Failed(f"the media process ended with {status}: {last[:500]!r}")
    return Child(seconds, first_ms)
