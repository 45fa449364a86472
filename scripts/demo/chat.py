"""Being a person in the sandbox's chat app, through its control API.

In: what to send and press. Out: the messages of the chat as the sandbox shows them. Must not: know what is right; cases.py does.
"""

import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request

from processes import Failed

# Never through a proxy: all of it is on the loopback interface.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(url, body=None, timeout_s=30):
    """GET, or POST of JSON; the JSON that comes back, or None for an empty answer."""
    request = urllib.request.Request(url)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with OPENER.open(request, timeout=timeout_s) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise Failed(f"{url} answered {error.code}: {error.read().decode(errors='replace')[:500]}") from None
    except OSError as error:
        raise Failed(f"{url}: {error}") from None
    return json.loads(text) if text.strip() else None


class Chat:
    """One person's chat with the bot."""

    def __init__(self, control, user, alive):
        """`control` is the address of the control API; `alive` raises if a program that is needed has ended."""
        self._control = control.rstrip("/")
        self._user = user
        self._alive = alive

    def send(self, text):
        return call(f"{self._control}/send", {"user": self._user, "text": text})["message_id"]

    def press(self, message, label):
        """Presses the button of this message whose text contains the label."""
        button = button_of(message, label)
        if button is None:
            raise Failed(f"message {message['message_id']} has no button {label}: {buttons_of(message)}")
        body = {"user": self._user, "message_id": message["message_id"], "data": button["data"], "timeout_ms": 10_000}
        return call(f"{self._control}/press", body)

    def messages(self):
        return call(f"{self._control}/messages?{self._query()}")

    def transcript(self):
        with OPENER.open(f"{self._control}/transcript?{self._query()}", timeout=30) as answer:
            return answer.read().decode()

    def counters(self):
        return call(f"{self._control}/counters")

    def refusals(self):
        return call(f"{self._control}/refusals")

    def login_code(self, phone):
        """The code that Telegram sent last; waits a little, because it is asked for and shown at the same time."""
        for _ in range(50):
            answer = call(f"{self._control}/code?{urllib.parse.urlencode({'phone': phone})}")
            if answer and answer.get("code"):
                return answer["code"]
            time.sleep(0.1)
        raise Failed("no login code was sent")

    def download(self, message, path):
        """The bytes of the message's file, as the person has them."""
        url = f"{self._control}/file?{self._query(message_id=message['message_id'])}"
        with OPENER.open(url, timeout=60) as answer, path.open("wb") as target:
            shutil.copyfileobj(answer, target, 1024 * 1024)

    def wait_for(self, what, find, within_s):
        """The first thing that `find` makes of the chat's messages; looked for again whenever the chat changes."""
        deadline = time.monotonic() + within_s
        version = 0
        while True:
            # The version is asked for before the messages, so that no change falls between the two.
            version = call(f"{self._control}/wait?{self._query(after=version, timeout_ms=500)}")["version"]
            found = find(self.messages())
            if found is not None:
                return found
            self._alive()
            if time.monotonic() > deadline:
                raise Failed(f"{what}: not seen within {within_s} s")

    def _query(self, **more):
        return urllib.parse.urlencode({"user": self._user} | more)


def buttons_of(message):
    return [button for row in message.get("buttons") or [] for button in row]


def button_of(message, label):
    return next((button for button in buttons_of(message) if label in button["text"]), None)


def text_of(message):
    return message.get("text") or message.get("caption") or ""
