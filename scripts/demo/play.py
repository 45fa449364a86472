"""The demo: a sandbox, a small web site, the daemon, and a person who sends links to the bot.

In: the built programs. Out: on standard error what happens; with --check, as the last line of standard output, one JSON object with the result.
Everything lives in one temporary folder and on loopback ports that the system chooses. Started by scripts/demo.sh.
"""

import argparse
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

import chat as chats
import media
from cases import Cases
from processes import Failed, Program, converse

USER = "ann"
PHONE = "+9996612345"
PASSWORD = "a ferry across the night"
HERE = pathlib.Path(__file__).resolve().parent
SMALLEST_BIG_MIB = 55
# Shutting down takes at most this long, by the daemon's own promise.
STOP_WITHIN_S = 10

CONFIG = """\
# Made by the demo. Addresses and the session are all that differs from a real set-up.
[telegram]
bot_token = {token}
api_id = 1
api_hash = "0123456789abcdef0123456789abcdef"
bot_api_url = {bot_api_url}
environment = "custom"

[telegram.custom]
dc_id = {dc_id}
address = {mtproto}
auth_key_file = {auth_key_file}

[fetch]
yt_dlp = {yt_dlp}
# The demo's site is on this machine.
allow_private_addresses = true

[storage]
database = {database}
work_dir = {work_dir}
sessions_dir = {sessions_dir}
"""


class Demo:
    """Everything that was started, and how to end it."""

    def __init__(self, arguments):
        self._arguments = arguments
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="tgferry-demo-"))
        self._root = self.home / "site"
        self._data = self.home / "data"
        self._config = self.home / "tgferry.toml"
        self._programs = []
        self._daemon = None
        self._tgferry = [arguments.tgferry, "--config", self._config]

    def start(self):
        media.make_site(self._root, self._arguments.big_mb, say)
        for folder in ("received", "sandbox", "logs"):
            (self.home / folder).mkdir()
        site = self._program("site", [sys.executable, HERE / "site.py", "--root", self._root], says_ready=True)
        sandbox = self._program("sandbox", self._sandbox_command(), says_ready=True)
        self.site_url = site.first_line(30)["url"]
        self.sandbox = sandbox.first_line(60)
        say(f"site at {self.site_url}, sandbox at {self.sandbox['bot_api_url']}")
        self.chat = chats.Chat(self.sandbox["control"], USER, self.check_alive)
        self._write_config()
        self._log_in()
        self._doctor()
        self._daemon = self._program("tgferry", [*self._tgferry, "run"])
        self._greet()

    def cases(self):
        # A big file takes as long as the machine needs: no less than 2 MiB/s is expected of the whole way.
        within_s = 180 + self._arguments.big_mb / 2
        return Cases(self.chat, self.site_url, self._root, self._data / "work", self.home / "received", within_s).all()

    def check_alive(self):
        for program in self._programs:
            program.check_alive()

    def peak_memory_bytes(self):
        return self._daemon.peak_memory_bytes()

    def stop_daemon(self):
        """Ends the daemon the way a service manager does, and says what is wrong with how it went, or None."""
        self._programs.remove(self._daemon)
        code, seconds, forced = self._daemon.stop(STOP_WITHIN_S)
        say(f"the daemon ended with {code} after {seconds:.1f} s")
        if forced:
            return f"the daemon was not gone {STOP_WITHIN_S} s after SIGTERM"
        return f"the daemon ended with {code} on SIGTERM" if code else None

    def stop(self):
        for program in reversed(self._programs):
            program.stop()
        self._programs.clear()

    def _program(self, name, command, says_ready=False):
        program = Program(name, command, self.home / "logs", self.home, says_ready)
        self._programs.append(program)
        return program

    def _sandbox_command(self):
        return [
            *[self._arguments.sandbox, "serve", "--http", "127.0.0.1:0", "--mtproto", "127.0.0.1:0", "--data", self.home / "sandbox"],
            *["--bot-username", "ferry_bot", "--user", USER],
            *["--account-phone", PHONE, "--account-name", "Carrier", "--account-password", PASSWORD],
        ]

    def _write_config(self):
        key = self.home / "auth_key"
        key.touch(mode=0o600)
        key.write_text(self.sandbox["auth_key_hex"])
        values = {
            "token": self.sandbox["bot"]["token"],
            "bot_api_url": self.sandbox["bot_api_url"],
            "mtproto": self.sandbox["mtproto"],
            "auth_key_file": key,
            "yt_dlp": self._arguments.yt_dlp,
            "database": self._data / "tgferry.db",
            "work_dir": self._data / "work",
            "sessions_dir": self.home / "sessions",
        }
        # JSON's strings are TOML's basic strings.
        quoted = {name: json.dumps(str(value), ensure_ascii=False) for name, value in values.items()}
        self._config.touch(mode=0o600)
        self._config.write_text(CONFIG.format(dc_id=self.sandbox["dc_id"], **quoted))

    def _log_in(self):
        say("tgferry login")
        answers = [("password", lambda: PASSWORD), ("code", lambda: self.chat.login_code(PHONE))]
        hear = lambda line: say(f"  | {line}")
        code, shown = converse([*self._tgferry, "login", "--phone", PHONE], self.home, answers, hear)
        if code != 0:
            raise Failed(f"tgferry login ended with {code}")
        if PASSWORD in shown:
            raise Failed("tgferry login shows the password that is typed")

    def _doctor(self):
        say("tgferry doctor")
        code, _ = converse([*self._tgferry, "doctor"], self.home, [], lambda line: say(f"  | {line}"))
        if code != 0:
            raise Failed(f"tgferry doctor ended with {code}")

    def _greet(self):
        asked = self.chat.send("/start")
        answer = lambda messages: next((one for one in messages if one["message_id"] > asked and one["from_bot"]), None)
        self.chat.wait_for("an answer to /start", answer, 60)


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
        result["peak_memory_mb"] = round(demo.peak_memory_bytes() / 1e6, 1)
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
