"""Measures the way up, on the sandbox, as ratios within this run. Started by scripts/bench.sh upload.

In: the built programs. Out: a table on standard output; with --json, as the last line, {"bench": "upload", "figures": {NAME: NUMBER, ...}}.
Must not: judge; what each figure should be stands beside it.
"""

import argparse
import json
import pathlib
import shutil
import signal
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "demo"), str(HERE)]

import films  # noqa: E402
import kill  # noqa: E402
import limits  # noqa: E402
import memory  # noqa: E402
import overlap  # noqa: E402
import rivals  # noqa: E402
from processes import Failed  # noqa: E402

# Name of a group: what it measures, and its figures with their bounds.
GROUPS = {
    "overlap": (overlap.measure, {"overlap_progressive": "<= 1.10", "overlap_merged": "<= 1.15", "sequential": "shown"}),
    "rivals": (
        rivals.measure,
        {
            "rate_vs_grammers": ">= 8",
            "cpu_vs_cipher": "<= 1.5",
            "cpu_vs_telethon": ">= 4",
            "cpu_vs_kurigram": ">= 1.5",
        },
    ),
    "limits": (limits.measure, {"connections_gain": ">= 0.90", "flood_wall_vs_implied": "<= 1.2"}),
    "kill": (kill.measure, {"resent_after_kill": "<= 0.12"}),
    "memory": (memory.measure, {"peak_memory_mb": "<= 100", "memory_2gb_vs_100mb": "<= 1.10"}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tgferry", required=True)
    parser.add_argument("--sandbox", required=True)
    parser.add_argument("--yt-dlp", required=True)
    parser.add_argument("--grammers", required=True, help="the program that uploads by grammers' own upload_file")
    parser.add_argument("--cipher", required=True, help="the program that measures the cipher alone")
    parser.add_argument("--mb", type=int, default=500, help="size of the files in MB (10^6 B); 500 is what the bounds are meant for")
    parser.add_argument("--only", choices=GROUPS, action="append", help="measure these groups alone")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    figures, bounds = {}, {}
    home = pathlib.Path(tempfile.mkdtemp(prefix="tgferry-bench-"))
    well = False
    try:
        for name in arguments.only or GROUPS:
            measure, of_group = GROUPS[name]
            say(f"-- {name}")
            folder = home / name
            folder.mkdir()
            bounds |= of_group
            figures |= measure(arguments, films.Films(home, say), folder, say)
            shutil.rmtree(folder)
        well = True
    except Failed as failure:
        say(f"FAILED: {failure}")
    finally:
        if well:
            shutil.rmtree(home, ignore_errors=True)
        else:
            say(f"logs and files are kept in {home}")
    if not well:
        sys.exit(1)
    print(f"{'figure':<26} {'value':>9}   bound")
    for name, value in figures.items():
        print(f"{name:<26} {value:>9.3f}   {bounds.get(name, '')}")
    if arguments.json:
        print(json.dumps({"bench": "upload", "figures": {name: round(value, 4) for name, value in figures.items()}}), flush=True)


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
