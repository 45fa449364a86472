"""What the scenarios share: the facts on the command line, the sandbox's other doors, files to send.

In: a scenario's name and one JSON object as arguments. Out: one JSON object on standard output. Nothing here touches a client's own code.
"""

import asyncio
import hashlib
import json
import random
import sys
import urllib.request

FACTS = json.loads(sys.argv[2])
HOST, PORT = FACTS["mtproto"].rsplit(":", 1)
PORT = int(PORT)
# Any numbers do: the sandbox has no applications.
API_ID, API_HASH = 4242, "0123456789abcdef0123456789abcdef"
PATIENCE_S = 30


async def control(path, body=None):
    """The control API, as the person at the screen."""
    return await asyncio.to_thread(_http, f"{FACTS['control']}/{path}", body)


async def bot(method, **arguments):
    """The Bot API, as the bot."""
    answer = await asyncio.to_thread(_http, f"{FACTS['bot_api']}/bot{FACTS['bot']['token']}/{method}", arguments)
    assert answer["ok"], answer
    return answer["result"]


async def login_code(phone=FACTS["phone"]):
    """The code that was sent to an account."""
    return (await control(f"code?phone={phone.replace('+', '%2B')}"))["code"]


def random_file(path, size_bytes):
    """Writes bytes that cannot be packed; gives their SHA-256."""
    content = random.Random(size_bytes).randbytes(size_bytes)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def within(awaitable):
    """The result, or a failure that says which line waited in vain."""
    return await asyncio.wait_for(awaitable, PATIENCE_S)


def run(scenarios):
    """Runs the scenario that was asked for and prints what it returns."""
    print(json.dumps(asyncio.run(asyncio.wait_for(scenarios[sys.argv[1]](), 4 * PATIENCE_S))))


def _http(url, body):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
        return json.load(response)
