"""Uploads a file by kurigram (with TgCrypto), to compare with. It is told an address and a key; all else is as it comes from PyPI.

In: see rival.py. Out: the parts at the sandbox; no message is sent. Must not: be used for anything else.
"""

import asyncio
import base64

from pyrogram import Client, errors
from pyrogram.connection import Connection
from pyrogram.crypto import rsa

from rival import API_HASH, API_ID, FACTS, FILE, HOST, PORT, login_code


def modulus_of(pem):
    """RSAPublicKey of 2048 bits in DER: nine bytes, the modulus, the exponent."""
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
    return int.from_bytes(der[9:265], "big")


class Loopback(Connection):
    """All addresses lead to the sandbox."""

    def __init__(self, *arguments, server_address, port, **others):
        super().__init__(*arguments, server_address=HOST, port=PORT, **others)


async def main():
    rsa.server_public_keys.clear()
    rsa.server_public_keys[FACTS["rsa"]["fingerprint"]] = rsa.PublicKey(modulus_of(FACTS["rsa"]["pem"]), 65_537)
    app = Client("carrier", api_id=API_ID, api_hash=API_HASH, in_memory=True, connection_factory=Loopback)
    await app.connect()
    sent = await app.send_code(FACTS["phone"])
    try:
        await app.sign_in(FACTS["phone"], sent.phone_code_hash, login_code())
    except errors.SessionPasswordNeeded:
        await app.check_password(FACTS["password"])
    app.me = await app.get_me()
    await app.save_file(str(FILE))
    await app.disconnect()


asyncio.run(main())
