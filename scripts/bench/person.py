"""A person at the measurements: sends a link, presses, and looks at the clock when the file is there.

In: a stage. Out: seconds. Must not: know what is measured.
"""

import os
import subprocess
import time

import chat as chats
from cases import is_file
from processes import Failed, environment
from stage import USER

CARD_WITHIN_S = 90


def carried(stage, link, within_s):
    """Seconds from the link in the chat to the copy of the file in it, with the press of a button in between; and the message.

    The clock stops when the sandbox has counted the copy: to show the message it computes the file's hash first.
    """
    began = time.monotonic()
    before = stage.chat.counters()["copies"]
    asked = press(stage, link)
    while stage.chat.counters()["copies"] == before:
        stage.check_alive()
        must(time.monotonic() - began < within_s, f"the file behind {link} did not come within {within_s:.0f} s")
        time.sleep(0.02)
    seconds = time.monotonic() - began
    return seconds, stage.chat.wait_for("the file", lambda messages: after(messages, asked), CARD_WITHIN_S)


def press(stage, link):
    """Sends a link and presses "Video" on its card as soon as it is there. Returns the number of the message with the link."""
    asked = stage.chat.send(link)

    def card(messages):
        late = (message for message in messages if message["message_id"] > asked and message["from_bot"])
        return next((message for message in late if chats.button_of(message, "Video")), None)

    stage.chat.press(stage.chat.wait_for("a card", card, CARD_WITHIN_S), "Video")
    return asked


def after(messages, asked):
    """The file that came after this message."""
    return next((message for message in messages if message["message_id"] > asked and is_file(message)), None)


def send(stage, file):
    """Runs `tgferry send` with a file of this machine. Returns the seconds and the processor seconds that it took."""
    stage.chat.send("/start")  # or the bot may not write to the person
    people = chats.call(f"{stage.sandbox['control']}/who")["users"]
    number = next(one["id"] for one in people if one["username"] == USER)
    began = time.monotonic()
    command = [*stage.tgferry, "send", file, "--to", number]
    process = subprocess.Popen(
        list(map(str, command)), env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=stage.home
    )
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    must(process.returncode == 0, f"tgferry send ended with {process.returncode}: {said.decode(errors='replace')[-500:]}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def network(stage, **shape):
    """Shapes the sandbox's network for the accounts."""
    chats.call(f"{stage.sandbox['control']}/network", shape)


def must(true, otherwise):
    if not true:
        raise Failed(otherwise)
