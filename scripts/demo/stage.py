"""A sandbox, a web site, and a daemon whose account is logged in: what the demo and the measurements play on.

In: the built programs, a folder for everything. Out: running programs, the chat. Must not: know what is played, or leave a program behind.
"""

import json
import pathlib
import sys

import chat as chats
from processes import Failed, Program, converse

USER = "ann"
PHONE = "+9996612345"
PASSWORD = "a ferry across the night"
HERE = pathlib.Path(__file__).resolve().parent
# Shutting down takes at most this long, by the daemon's own promise.
STOP_WITHIN_S = 10

CONFIG = """\
# Made by a script. Addresses and the session are all that differs from a real set-up.
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


class Stage:
    """Everything that was started, and how to end it. `settings` is more configuration, as TOML; `say` tells the person at the terminal."""

    def __init__(self, home, tgferry, sandbox, yt_dlp, say, settings="", site_arguments=()):
        self.home = pathlib.Path(home)
        self.site_root = self.home / "site"
        self.data = self.home / "data"
        self.say = say
        self.daemon = None
        self._sandbox_program = sandbox
        self._yt_dlp = yt_dlp
        self._settings = settings
        self._site_arguments = site_arguments
        self._config = self.home / "tgferry.toml"
        self._programs = []
        self.tgferry = [tgferry, "--config", self._config]

    def start(self):
        """Starts site and sandbox and logs the account in; the files of the site must be there. The daemon is not started yet."""
        for folder in ("received", "sandbox", "logs"):
            (self.home / folder).mkdir()
        site = self._program("site", [sys.executable, "-B", HERE / "site.py", "--root", self.site_root, *self._site_arguments], says_ready=True)
        sandbox = self._program("sandbox", self._sandbox_command(), says_ready=True)
        self.site_url = site.first_line(30)["url"]
        self.sandbox = sandbox.first_line(60)
        self.sandbox_process = sandbox
        self.say(f"site at {self.site_url}, sandbox at {self.sandbox['bot_api_url']}")
        self.chat = chats.Chat(self.sandbox["control"], USER, self.check_alive)
        self._write_config()
        self._log_in()

    def doctor(self):
        self.say("tgferry doctor")
        code, _ = converse([*self.tgferry, "doctor"], self.home, [], lambda line: self.say(f"  | {line}"))
        if code != 0:
            raise Failed(f"tgferry doctor ended with {code}")

    def start_daemon(self):
        """Starts the daemon and waits until it answers."""
        self.daemon = self._program("tgferry", [*self.tgferry, "run"])
        asked = self.chat.send("/start")
        answer = lambda messages: next((one for one in messages if one["message_id"] > asked and one["from_bot"]), None)
        self.chat.wait_for("an answer to /start", answer, 60)

    def stop_daemon(self):
        """Ends the daemon the way a service manager does, and says what is wrong with how it went, or None."""
        self._programs.remove(self.daemon)
        code, seconds, forced = self.daemon.stop(STOP_WITHIN_S)
        self.say(f"the daemon ended with {code} after {seconds:.1f} s")
        if forced:
            return f"the daemon was not gone {STOP_WITHIN_S} s after SIGTERM"
        return f"the daemon ended with {code} on SIGTERM" if code else None

    def kill_daemon(self):
        """Ends the daemon and its children in an instant, as a power cut would."""
        self._programs.remove(self.daemon)
        self.daemon.kill()

    def check_alive(self):
        for program in self._programs:
            program.check_alive()

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
            *[self._sandbox_program, "serve", "--http", "127.0.0.1:0", "--mtproto", "127.0.0.1:0", "--data", self.home / "sandbox"],
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
            "yt_dlp": self._yt_dlp,
            "database": self.data / "tgferry.db",
            "work_dir": self.data / "work",
            "sessions_dir": self.home / "sessions",
        }
        # JSON's strings are TOML's basic strings.
        quoted = {name: json.dumps(str(value), ensure_ascii=False) for name, value in values.items()}
        self._config.touch(mode=0o600)
        self._config.write_text(CONFIG.format(dc_id=self.sandbox["dc_id"], **quoted) + self._settings)

    def _log_in(self):
        self.say("tgferry login")
        answers = [("password", lambda: PASSWORD), ("code", lambda: self.chat.login_code(PHONE))]
        hear = lambda line: self.say(f"  | {line}")
        code, shown = converse([*self.tgferry, "login", "--phone", PHONE], self.home, answers, hear)
        if code != 0:
            raise Failed(f"tgferry login ended with {code}")
        if PASSWORD in shown:
            raise Failed("tgferry login shows the password that is typed")
