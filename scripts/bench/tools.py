"""Programs that are run and measured.

In: command lines. Out: seconds, processor seconds, what FFmpeg says of files. Must not: know what is measured.
"""

import dataclasses
import json
import os
import re
import subprocess
import sys
import time

FFMPEG = ["ffmpeg", "-nostdin", "-hide_banner", "-y"]


class Failed(Exception):
    """A program did not do what it should."""


@dataclasses.dataclass
class Took:
    """What a program needed."""

    seconds: float
    cpu: float
    output: str


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(*command, **environment):
    """Runs a program to its end. Its processor time is that of the processes that it started, too."""
    began = time.monotonic()
    process = subprocess.Popen(
        list(map(str, command)),
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = process.stdout.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"{command[0]} ended with {process.returncode}: {output[-800:]}")
    return Took(time.monotonic() - began, used.ru_utime + used.ru_stime, output)


def ffmpeg(*arguments):
    return run(*FFMPEG, "-loglevel", "error", *arguments)


def tgferry(arguments, *command):
    """The program with the settings of a newcomer, but at the niceness of what it is compared with."""
    return run(arguments.tgferry, *command, TGFERRY_MEDIA__NICENESS="0")


@dataclasses.dataclass
class Facts:
    """What ffprobe says of a file with one picture."""

    seconds: float
    width: int
    height: int
    rate: str
    video_bytes: int
    audio_bytes: int


def facts(path):
    entries = "format=duration:stream=codec_type,width,height,r_frame_rate:packet=stream_index,size"
    answer = json.loads(run("ffprobe", "-loglevel", "error", "-of", "json", "-show_entries", entries, path).output)
    index, video = next((index, stream) for index, stream in enumerate(answer["streams"]) if stream["codec_type"] == "video")
    sums = {True: 0, False: 0}
    for packet in answer["packets"]:
        sums[packet["stream_index"] == index] += int(packet["size"])
    return Facts(float(answer["format"]["duration"]), video["width"], video["height"], video["r_frame_rate"], sums[True], sums[False])


def ssim(result, source, of):
    """Likeness of a result to its source, brought to the result's size and rate. 1 is the same."""
    chain = f"[1:v]fps={of.rate},scale={of.width}:{of.height}:flags=bicubic,format=yuv420p[source];[0:v][source]ssim"
    output = run(*FFMPEG, "-i", result, "-i", source, "-lavfi", chain, "-f", "null", "-").output
    return float(re.findall(r"SSIM .*All:([0-9.]+)", output)[-1])


def vmaf(program, result, source, of):
    """The same as people see it, 0 to 100, by an ffmpeg that has libvmaf."""
    chain = f"[1:v]fps={of.rate},scale={of.width}:{of.height}:flags=bicubic,format=yuv420p[source];[0:v][source]libvmaf=n_threads=2"
    output = run(program, *FFMPEG[1:], "-i", result, "-i", source, "-lavfi", chain, "-f", "null", "-").output
    return float(re.findall(r"VMAF score: ([0-9.]+)", output)[-1])
