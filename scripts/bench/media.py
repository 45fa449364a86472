"""Measures the media step, as ratios to the ffmpeg program within this run. Started by scripts/bench.sh media.

In: the built program. Out: a table on standard output; with --json, as the last line, {"bench": "media", "figures": {NAME: NUMBER, ...}}.
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
# This file would else hide the demo's module of the same name from the ones below.
sys.path[:0] = [str(HERE)]

import clips  # noqa: E402
import encodes  # noqa: E402
import targets  # noqa: E402
from tools import Failed, say  # noqa: E402

# Name of a group: what it measures, and its figures with their bounds.
GROUPS = {
    "target": (
        targets.measure,
        {
            "refused": "0",
            "target_hit_min": ">= 0.97",
            "target_hit_max": "<= 1.00",
            "ssim_loss_max": "<= 0.002",
            "ssim_loss_mean": "shown",
            "vmaf_loss_max": "shown",
            "cpu_vs_two_pass": "<= 0.75",
            "cpu_vs_two_pass_max": "shown",
        },
    ),
    "transcode": (encodes.transcode, {"transcode_vs_ffmpeg": "<= 1.05"}),
    "remux": (encodes.remux, {"remux_vs_ffmpeg": "<= 1.10"}),
    "start": (encodes.start, {"child_start_ms": "<= 50"}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tgferry", required=True)
    parser.add_argument("--extras", type=pathlib.Path, required=True, help="where packages of PyPI lie, if they could be had")
    parser.add_argument("--only", choices=GROUPS, action="append", help="measure these groups alone")
    parser.add_argument("--quick", action="store_true", help="two clips and a small remux: to see that it works")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    figures, bounds = {}, {}
    home = pathlib.Path(tempfile.mkdtemp(prefix="tgferry-bench-"))
    try:
        made = clips.Clips(home / "clips", arguments.extras, arguments.quick)
        for name in arguments.only or GROUPS:
            measure, of_group = GROUPS[name]
            say(f"-- {name}")
            folder = home / name
            folder.mkdir()
            bounds |= of_group
            figures |= measure(arguments, made, folder)
            shutil.rmtree(folder)
    except Failed as failure:
        say(f"FAILED: {failure}")
        sys.exit(1)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"{'figure':<26} {'value':>9}   bound")
    for name, value in figures.items():
        print(f"{name:<26} {value:>9.4f}   {bounds.get(name, '')}")
    if arguments.json:
        print(json.dumps({"bench": "media", "figures": {name: round(value, 4) for name, value in figures.items()}}), flush=True)


if __name__ == "__main__":
    main()
