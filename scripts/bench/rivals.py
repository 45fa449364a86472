"""Rate and processor time beside those of other programs that upload the same file to the same sandbox.

In: a file of random bytes on disk. Out: our rate over that of grammers' own upload_file; our processor time over that of the cipher alone; that of
Telethon and of kurigram over ours. Each runs in a process of its own, start included. Must not: measure two at once.
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
from processes import Failed, environment
from stage import PASSWORD, PHONE, Stage

HERE = pathlib.Path(__file__).resolve().parent
RUNS = 3


def measure(arguments, films, home, say):
    noise = films.noise(arguments.mb)
    gb = noise.stat().st_size / 1e9
    (home / "site").mkdir()
    stage = Stage(home, arguments.tgferry, arguments.sandbox, arguments.yt_dlp, say)
    try:
        stage.start()
        ours = [person.send(stage, noise) for _ in range(RUNS)]
        seconds, processor = (statistics.median(column) for column in zip(*ours))
        say(f"ours: {gb * 1000 / seconds:.0f} MB/s, {processor / gb:.2f} s of processor time a GB")
        cipher = run([arguments.cipher])["figures"]["ige_sha_mb_per_s"]
        say(f"the cipher alone: {cipher:.0f} MB/s, {1000 / cipher:.2f} s a GB")
        figures = {"cpu_vs_cipher": processor / gb / (1000 / cipher)}
        others = {
            "grammers": [arguments.grammers, stage.tgferry[2], noise],
            "telethon": [sys.executable, "-B", HERE / "by_telethon.py", reach(stage), noise],
            "kurigram": [sys.executable, "-B", HERE / "by_kurigram.py", reach(stage), noise],
        }
        for name, command in others.items():
            took, used = timed(command)
            say(f"{name}: {gb * 1000 / took:.0f} MB/s, {used / gb:.2f} s of processor time a GB")
            if name == "grammers":
                figures["rate_vs_grammers"] = took / seconds
            else:
                figures[f"cpu_vs_{name}"] = used / processor
        return figures
    finally:
        stage.stop()


def reach(stage):
    """What another program needs to get there: the address, the sandbox's key, and who logs in."""
    facts = {name: stage.sandbox[name] for name in ("mtproto", "dc_id", "rsa", "control")}
    return json.dumps(facts | {"phone": PHONE, "password": PASSWORD})


def run(command):
    """Runs a program; the JSON of the last line that it prints."""
    done = subprocess.run(list(map(str, command)), env=environment(), stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        raise Failed(f"{command[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
    return json.loads(done.stdout.decode().strip().splitlines()[-1])


def timed(command):
    """Runs a program; the seconds and processor seconds that it took."""
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    person.must(process.returncode == 0, f"{command[0]} ended with {process.returncode}: {said.decode(errors='replace')[-500:]}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime
