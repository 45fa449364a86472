"""kurigram against the sandbox. It is told an address and a key, by its own means; all else is as it comes from PyPI."""

import asyncio
import base64
import pathlib
import tempfile

import pyrogram
from pyrogram import Client, enums, errors, filters, raw
from pyrogram.connection import Connection
from pyrogram.connection.transport import tcp
from pyrogram.crypto import rsa
from pyrogram.types import ChatPrivileges

from facts import API_HASH, API_ID, FACTS, HOST, PORT, bot, login_code, random_file, run, sha256_of, within

FILE_BYTES = 30 * 1024 * 1024 + 12_345
TRANSPORTS = {
    "full": tcp.TCPFull,
    "abridged": tcp.TCPAbridged,
    "abridged_obfuscated": tcp.TCPAbridgedO,
    "intermediate": tcp.TCPIntermediate,
    "intermediate_obfuscated": tcp.TCPIntermediateO,
    "padded": tcp.TCPIntermediatePadded,
}


def modulus_of(pem):
    """RSAPublicKey of 2048 bits in DER: nine bytes, the modulus, the exponent."""
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
    return int.from_bytes(der[9:265], "big")


rsa.server_public_keys.clear()
rsa.server_public_keys[FACTS["rsa"]["fingerprint"]] = rsa.PublicKey(modulus_of(FACTS["rsa"]["pem"]), 65_537)


class Loopback(Connection):
    """The addresses that are built in lead here; those that the sandbox gives are used as they are."""

    def __init__(self, *arguments, server_address, port, **others):
        if server_address.startswith("149.154."):
            server_address, port = HOST, PORT
        assert (server_address, port) == (HOST, PORT), f"would leave for {server_address}:{port}"
        super().__init__(*arguments, server_address=server_address, port=port, **others)


def client(transport):
    return Client(
        "carrier",
        api_id=API_ID,
        api_hash=API_HASH,
        in_memory=True,
        connection_factory=Loopback,
        protocol_factory=TRANSPORTS[transport],
        fetch_replies=False,
        fetch_stories=False,
        fetch_topics=False,
        fetch_stickers=False,
    )


async def transports():
    """A key by each transport, and a call with it."""
    seen = {}
    for name in TRANSPORTS:
        app = client(name)
        await app.connect()
        config = await app.invoke(raw.functions.help.GetConfig())
        seen[name] = sorted({(option.id, option.ip_address, option.port) for option in config.dc_options})
        assert len(await app.storage.auth_key()) == 256
        await app.disconnect()
    return {"version": pyrogram.__version__, "seen": seen}


async def relay():
    """Login by code and password, a channel with the bot in it, a file there and back, and what each side sees of the other."""
    app = client("padded")
    await app.connect()
    sent_code = await app.send_code(FACTS["phone"])
    try:
        await app.sign_in(FACTS["phone"], sent_code.phone_code_hash, await login_code())
        raise AssertionError("no password was asked for")
    except errors.SessionPasswordNeeded:
        me = await app.check_password(FACTS["password"])
    app.me = await app.get_me()
    await app.initialize()

    heard = {}
    waiting = {}

    def hears(name):
        waiting[name] = asyncio.get_running_loop().create_future()
        return within(waiting[name])

    @app.on_message(filters.text)
    async def on_message(_, message):
        heard[message.text] = message.chat.id
        if message.text in waiting:
            waiting[message.text].set_result(message)

    channel = await app.create_channel("Relay")
    await app.promote_chat_member(
        channel.id, "ferry_bot", ChatPrivileges(can_post_messages=True, can_edit_messages=True, can_delete_messages=True)
    )
    with tempfile.TemporaryDirectory() as folder:
        there, back = pathlib.Path(folder, "film.bin"), pathlib.Path(folder, "back.bin")
        sent_hash = random_file(there, FILE_BYTES)
        sent = await app.send_document(channel.id, str(there), caption="a film")
        await app.download_media(sent, file_name=str(back))
        hashes = [sent_hash, sha256_of(back)]
    copy = await bot("copyMessage", chat_id=FACTS["person"]["id"], from_chat_id=channel.id, message_id=sent.id)

    await app.send_message("ferry_bot", "hello, bot")
    coming = hears("hello, carrier")
    await bot("sendMessage", chat_id=me.id, text="hello, carrier")
    await coming
    coming = hears("a post")
    await bot("sendMessage", chat_id=channel.id, text="a post")
    await coming
    history = [message.text or message.caption async for message in app.get_chat_history(channel.id)]
    await app.stop()
    return {"me": me.id, "channel": channel.id, "hashes": hashes, "copy": copy["message_id"], "heard": heard, "history": history}


async def people():
    """A group: a guest is invited, sent away and let in again; a message goes on to the bot."""
    app = client("abridged")
    await app.connect()
    sent_code = await app.send_code(FACTS["phone"])
    await app.sign_in(FACTS["phone"], sent_code.phone_code_hash, await login_code())
    app.me = await app.get_me()
    await app.initialize()
    group = await app.create_supergroup("Group")
    await app.add_chat_members(group.id, "guest")
    there = [member.user.username async for member in app.get_chat_members(group.id)]
    await app.ban_chat_member(group.id, "guest")
    after = [member.user.username async for member in app.get_chat_members(group.id)]
    banned = [member.user.username async for member in app.get_chat_members(group.id, filter=enums.ChatMembersFilter.BANNED)]
    await app.unban_chat_member(group.id, "guest")
    said = await app.send_message(group.id, "hello, group")
    forwarded = await app.forward_messages("ferry_bot", group.id, said.id)
    sessions = await app.get_active_sessions()
    await app.stop()
    return {
        "members": [sorted(there), after, banned],
        "forwarded": [forwarded.text, forwarded.forward_origin.sender_user.id == app.me.id],
        "sessions": len(sessions.active_sessions),
    }


run({"people": people, "transports": transports, "relay": relay})
