"""Uploads a file by Telethon (with cryptg), to compare with. It is told an address and a key; all else is as it comes from PyPI.

In: see rival.py. Out: the parts at the sandbox; no message is sent. Must not: be used for anything else.
"""

import asyncio

from telethon import TelegramClient, errors
from telethon.crypto import rsa
from telethon.sessions import MemorySession

from rival import API_HASH, API_ID, FACTS, FILE, HOST, PORT, login_code


async def main():
    rsa._server_keys.clear()
    rsa.add_key(FACTS["rsa"]["pem"], old=False)
    session = MemorySession()
    session.set_dc(FACTS["dc_id"], HOST, PORT)
    telegram = TelegramClient(session, API_ID, API_HASH)
    await telegram.connect()
    await telegram.send_code_request(FACTS["phone"])
    try:
        await telegram.sign_in(FACTS["phone"], login_code())
    except errors.SessionPasswordNeededError:
        await telegram.sign_in(password=FACTS["password"])
    await telegram.upload_file(str(FILE), part_size_kb=512)
    await telegram.disconnect()


asyncio.run(main())
