"""What the other programs are told: where the sandbox is, its key, who logs in; and how to upload and count.

In: one JSON object and a file's path on the command line. Out: those as names. Must not: touch a client's own code.
"""

import json
import pathlib
import sys
import urllib.parse
import urllib.request

FACTS = json.loads(sys.argv[1])
FILE = pathlib.Path(sys.argv[2])
HOST, PORT = FACTS["mtproto"].rsplit(":", 1)
PORT = int(PORT)
# Any numbers do: the sandbox has no applications.
API_ID, API_HASH = 4242, "0123456789abcdef0123456789abcdef"


def login_code():
    """The code that was sent to the account."""
    query = urllib.parse.urlencode({"phone": FACTS["phone"]})
    with urllib.request.urlopen(f"{FACTS['control']}/code?{query}", timeout=30) as answer:
        return json.load(answer)["code"]
