"""Starting and ending the demo's programs, and typing into one that asks.

In: command lines. Out: running programs with their logs in files. Must not: leave one behind, whichever way the demo ends.
"""

import codecs
import contextlib
import ctypes
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """Something did not go as it must; the text is for the person at the terminal."""


def environment(**more):
    """Ours, less what would change the daemon's configuration or send loopback addresses through a proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TGFERRY_") and not name.lower().endswith("_proxy")}
    return kept | more


class Program:
    """A program in a process group of its own. It is ended when this process dies, even if that is by SIGKILL."""

    def __init__(self, name, command, logs: pathlib.Path, cwd, says_ready=False):
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if says_ready else log,
                stderr=log,
                cwd=cwd,
                env=environment(),
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    @property
    def pid(self):
        return self._process.pid

    def first_line(self, within_s):
        """The one JSON line that a server prints when it is ready."""
        ready, _, _ = select.select([self._process.stdout], [], [], within_s)
        line = self._process.stdout.readline() if ready else b""
        try:
            return json.loads(line)
        except ValueError:
            raise Failed(f"{self.name} did not say that it is ready (said {line!r}); see {self.log}") from None

    def check_alive(self):
        code = self._process.poll()
        if code is not None:
            raise Failed(f"{self.name} ended by itself with {code}; see {self.log}")

    def peak_memory_bytes(self):
        """The most memory that was ever resident, from the kernel."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        return int(match.group(1)) * 1024 if match else None

    def processor_seconds(self):
        """Processor time that the program has taken so far, in user and kernel mode, its ended children left out (proc(5))."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        """Ends it and its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, within_s=15):
        """Asks to end, waits, and ends it and its children by force at last. Returns (exit code, seconds taken, forced)."""
        began = time.monotonic()
        forced = False
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(within_s)
            except subprocess.TimeoutExpired:
                forced = True
        # The group: what the program started and did not end itself.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        return code, time.monotonic() - began, forced


def _end_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def converse(command, cwd, answers, hear, within_s=120, quiet_s=0.4):
    """Runs a program in a terminal of its own and types like a person.

    `answers` is a list of (word, function): when the program waits after a line without an end that contains the word, what the function
    returns is typed. `hear` gets each finished line. Returns (exit code, all that the terminal showed).
    """
    pid, terminal = pty.fork()
    if pid == 0:
        _end_with_parent()
        os.chdir(cwd)
        os.execve(str(command[0]), list(map(str, command)), environment(TERM="xterm", COLUMNS="120", LINES="50"))
    try:
        return _talk(pid, terminal, list(answers), hear, time.monotonic() + within_s, quiet_s)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(terminal)


def _talk(pid, terminal, answers, hear, deadline, quiet_s):
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    shown, heard, answered = "", 0, 0
    while True:
        if time.monotonic() > deadline:
            raise Failed(f"the program still waits after:\n{shown}")
        ready, _, _ = select.select([terminal], [], [], quiet_s)
        if ready:
            try:
                block = os.read(terminal, 4096)
            except OSError:  # how Linux says that the other side of a terminal is closed
                block = b""
            if not block:
                break
            shown += decoder.decode(block)
            while (end := shown.find("\n", heard)) >= 0:
                hear(plain(shown[heard:end]))
                heard = end + 1
            continue
        question = plain(shown[max(heard, answered) :])
        for word, answer in answers:
            if word in question.lower():
                answered = len(shown)
                os.write(terminal, answer().encode() + b"\n")
                break
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown


def plain(text):
    """Text without the terminal's control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\x07]", "", text).rstrip()
