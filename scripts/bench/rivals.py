"""Rate and processor time beside those of other programs that upload the same file to the same sandbox.

In: files of random bytes on disk. Out: our rate over that of grammers' own upload_file, both between a small file and a large one, so that the start
of a program does not count; our processor time a GB, start included, over that of the cipher alone; that of Telethon and of kurigram over ours.
The cipher is measured on all cores at once, as it works during an upload: cores that share their units are slower then. Must not: measure two
programs at once.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import person
from films import MB
from processes import environment
from stage import PASSWORD, PHONE, Stage

HERE = pathlib.Path(__file__).resolve().parent
RUNS = 3


SMALL_MB = 20


def measure(arguments, films, home, say):
    small, large, larger = films.noise(SMALL_MB), films.noise(arguments.mb), films.noise(2 * arguments.mb)
    (home / "site").mkdir()
    stage = Stage(home, arguments.tgferry, arguments.sandbox, arguments.yt_dlp, say)
    try:
        stage.start()
        uploads = {
            "tgferry": lambda file: person.send(stage, file),
            "grammers": lambda file: timed([arguments.grammers, stage.tgferry[2], file]),
            "telethon": lambda file: timed([sys.executable, "-B", HERE / "by_telethon.py", reach(stage), file]),
            "kurigram": lambda file: timed([sys.executable, "-B", HERE / "by_kurigram.py", reach(stage), file]),
        }
        rates = {}
        for name in ("tgferry", "grammers"):
            runs = RUNS if name == "tgferry" else 1
            rest_s = best(uploads[name], large, runs)[0] - best(uploads[name], small, runs)[0]
            rates[name] = (large.stat().st_size - small.stat().st_size) / MB / rest_s
            say(f"{name}: {rates[name]:.0f} MB/s")
        used = {}
        for name, file in (("tgferry", larger), ("telethon", large), ("kurigram", large)):
            took, processor = best(uploads[name], file, RUNS if name == "tgferry" else 1)
            used[name] = processor / (file.stat().st_size / 1e9)
            say(f"{name}: {file.stat().st_size / MB:.0f} MB in {took:.1f} s, {used[name]:.2f} s of processor time a GB")
        cipher = 1000 / statistics.mean(ciphers(arguments.cipher))
        say(f"the cipher alone: {cipher:.2f} s of processor time a GB")
        return {
            "rate_vs_grammers": rates["tgferry"] / rates["grammers"],
            "cpu_vs_cipher": used["tgferry"] / cipher,
            "cpu_vs_telethon": used["telethon"] / used["tgferry"],
            "cpu_vs_kurigram": used["kurigram"] / used["tgferry"],
        }
    finally:
        stage.stop()


def best(upload, file, runs):
    """The seconds and processor seconds of the middle one of some runs."""
    return sorted(undisturbed(upload, file) for _ in range(runs))[runs // 2]


def undisturbed(upload, file):
    """An upload that begins when what the sandbox stored of the one before is on the disk: its interrupts are charged to whoever runs then."""
    os.sync()
    return upload(file)


def ciphers(program):
    """MB a second of processor time of the cipher, by one process on each core."""
    count = len(os.sched_getaffinity(0))
    running = [subprocess.Popen([str(program)], env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for _ in range(count)]
    said = [process.communicate()[0] for process in running]
    person.must(all(process.returncode == 0 for process in running), f"{program} failed")
    return [json.loads(text.decode().strip().splitlines()[-1])["figures"]["ige_sha_mb_per_s"] for text in said]


def reach(stage):
    """What another program needs to get there: the address, the sandbox's key, and who logs in."""
    facts = {name: stage.sandbox[name] for name in ("mtproto", "dc_id", "rsa", "control")}
    return json.dumps(facts | {"phone": PHONE, "password": PASSWORD})


def timed(command):
    """Runs a program; the seconds and processor seconds that it took."""
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    person.must(process.returncode == 0, f"{command[0]} ended with {process.returncode}: {said.decode(errors='replace')[-500:]}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime
