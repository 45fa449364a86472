"""The demo: a sandbox, a small web site, the daemon, and a person who sends links to the bot.

In: the built programs. Out: on standard error what happens; with --check, as the last line of standard output, one JSON object with the result.
Everything lives in one temporary folder and on loopback ports that the system chooses. Started by scripts/demo.sh.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
import traceback

import media
from cases import Cases
from processes import Failed
from stage import USER, Stage

SMALLEST_BIG_MIB = 55


class Demo(Stage):
    """The stage with the demo's films on its site."""

    def __init__(self, arguments):
        super().__init__(tempfile.mkdtemp(prefix="tgferry-demo-"), arguments.tgferry, arguments.sandbox, arguments.yt_dlp, say)
        self._arguments = arguments

    def start(self):
        media.make_site(self.site_root, self._arguments.big_mb, say)
        super().start()
        self.doctor()
        self.start_daemon()

    def cases(self):
        # A big file takes as long as the machine needs: no less than 2 MiB/s is expected of the whole way.
        within_s = 180 + self._arguments.big_mb / 2
        return Cases(self.chat, self.site_url, self.site_root, self.data / "work", self.home / "received", within_s).all()


def play(demo):
    """Plays all cases, also after one has failed. Returns the result."""
    results, problems = [], []
    for name, case in demo.cases():
        say(f"case {name}")
        began = time.monotonic()
        try:
            result = {"name": name, "ok": True} | case()
        except Exception as error:  # whatever it is, this case is not well, and the next ones are played
            result = {"name": name, "ok": False, "error": describe(error), "seconds": time.monotonic() - began}
        result = {key: round(value, 2) if isinstance(value, float) else value for key, value in result.items()}
        say("  " + json.dumps(result))
        results.append(result)
        try:
            demo.check_alive()
        except Failed as failure:
            problems.append(str(failure))
            break
    if refusals := demo.chat.refusals():
        problems.append(f"the sandbox refused: {', '.join(map(str, refusals))}")
    return {"ok": not problems and all(result["ok"] for result in results), "cases": results, "problems": problems}


def check(demo):
    """Plays, ends the daemon, and returns the whole result."""
    try:
        demo.start()
        result = play(demo)
        result["peak_memory_mb"] = round(demo.daemon.peak_memory_bytes() / 1e6, 1)
        if problem := demo.stop_daemon():
            result["problems"].append(problem)
        result["ok"] = result["ok"] and not result["problems"]
    except Exception as error:  # the last line is printed whatever happens
        return {"ok": False, "cases": [], "problems": [describe(error)]}
    return result


def show(demo):
    """Plays, and stays until Ctrl-C."""
    demo.start()
    result = play(demo)
    say("the chat:")
    print(demo.chat.transcript(), file=sys.stderr, flush=True)
    for problem in result["problems"] + [f"{case['name']}: {case['error']}" for case in result["cases"] if not case["ok"]]:
        say(f"NOT WELL: {problem}")
    control, link = demo.sandbox["control"], demo.site_url + "/small.mp4"
    say("everything is left running:")
    say(f"  the sandbox        {demo.sandbox['bot_api_url']}/")
    say(f"  the chat as text   {control}/transcript?user={USER}")
    say(f"  links to send      {link}  {demo.site_url}/big.mp4  {demo.site_url}/page/")
    send = json.dumps({"user": USER, "text": link})
    say(f"  send one           curl -H 'content-type: application/json' -d '{send}' {control}/send")
    say(f"  press a button     the same with '{json.dumps({'user': USER, 'label': 'Video'})}' and {control}/press")
    say(f"  logs               {demo.home}/logs")
    say("Ctrl-C ends it")
    while True:
        demo.check_alive()
        time.sleep(1)


def describe(error):
    if isinstance(error, Failed):
        return str(error)
    traceback.print_exception(error)
    return f"{type(error).__name__}: {error}"


def say(text):
    print(f"demo: {text}", file=sys.stderr, flush=True)


def end(*_):
    """On SIGTERM and SIGINT: leave by way of the clean-up."""
    raise SystemExit(130)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tgferry", required=True)
    parser.add_argument("--sandbox", required=True)
    parser.add_argument("--yt-dlp", required=True)
    parser.add_argument("--big-mb", type=int, default=64, help=f"least size of the big file in MiB, from {SMALLEST_BIG_MIB}")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.big_mb < SMALLEST_BIG_MIB:
        parser.error(f"--big-mb: at least {SMALLEST_BIG_MIB}, or the file is not big")

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    demo = Demo(arguments)
    well = False
    try:
        if arguments.check:
            result = check(demo)
            well = result["ok"]
            tell_chat(demo)
        else:
            show(demo)
    except Failed as failure:
        say(f"FAILED: {failure}")
    except SystemExit:
        well = not arguments.check
        raise
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        demo.stop()
        if well:
            shutil.rmtree(demo.home, ignore_errors=True)
        else:
            say(f"logs, configuration and files are kept in {demo.home}")
    if arguments.check:
        for problem in result["problems"]:
            say(f"NOT WELL: {problem}")
        print(json.dumps(result), flush=True)
    sys.exit(0 if well else 1)


def tell_chat(demo):
    if hasattr(demo, "chat"):
        try:
            say("the chat:")
            print(demo.chat.transcript(), file=sys.stderr, flush=True)
        except (Failed, OSError) as error:
            say(f"no transcript: {error}")


if __name__ == "__main__":
    main()
