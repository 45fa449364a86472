"""Telethon against the sandbox. It is told an address and a key, by its own means; all else is as it comes from PyPI."""

import asyncio
import pathlib
import tempfile
import time

import telethon
from telethon import TelegramClient, errors, events, functions, types
from telethon.crypto import rsa
from telethon.network import connection
from telethon.sessions import MemorySession

from facts import API_HASH, API_ID, FACTS, HOST, PATIENCE_S, PORT, bot, control, login_code, random_file, run, sha256_of, within

FILE_BYTES = 30 * 1024 * 1024 + 12_345
TRANSPORTS = {
    "full": connection.ConnectionTcpFull,
    "abridged": connection.ConnectionTcpAbridged,
    "intermediate": connection.ConnectionTcpIntermediate,
    "obfuscated": connection.ConnectionTcpObfuscated,
}

rsa._server_keys.clear()
rsa.add_key(FACTS["rsa"]["pem"], old=False)


def client(transport="full", auth_key=None):
    session = MemorySession()
    session.auth_key = auth_key
    session.set_dc(FACTS["dc_id"], HOST, PORT)
    return TelegramClient(session, API_ID, API_HASH, connection=TRANSPORTS[transport], connection_retries=1, auto_reconnect=False)


async def logged_in(telegram, phone=FACTS["phone"]):
    await telegram.connect()
    await telegram.send_code_request(phone)
    await telegram.sign_in(phone, await login_code(phone))


async def refusal(awaitable):
    """How a call is refused."""
    try:
        await awaitable
    except errors.RPCError as error:
        return type(error).__name__
    raise AssertionError("it was not refused")


async def transports():
    """A key by each transport, and a call with it."""
    assert list(rsa._server_keys) == [FACTS["rsa"]["fingerprint"]]
    seen = {}
    for name in TRANSPORTS:
        telegram = client(name)
        await telegram.connect()
        config = await telegram(functions.help.GetConfigRequest())
        seen[name] = sorted({(option.id, option.ip_address, option.port) for option in config.dc_options})
        assert len(telegram.session.auth_key.key) == 256
        await telegram.disconnect()
    return {"version": telethon.__version__, "seen": seen}


async def login():
    """Code and password; a wrong one of each first."""
    telegram = client("obfuscated")
    await telegram.connect()
    await telegram.send_code_request(FACTS["phone"])
    refused = []
    try:
        await telegram.sign_in(FACTS["phone"], "abcde")
    except errors.PhoneCodeInvalidError as error:
        refused.append(type(error).__name__)
    try:
        await telegram.sign_in(FACTS["phone"], await login_code())
    except errors.SessionPasswordNeededError as error:
        refused.append(type(error).__name__)
    try:
        await telegram.sign_in(password="wrong")
    except errors.PasswordHashInvalidError as error:
        refused.append(type(error).__name__)
    me = await telegram.sign_in(password=FACTS["password"])
    again = await telegram.get_me()
    await telegram.log_out()
    return {"refused": refused, "me": me.id, "again": again.id, "phone": again.phone}


async def qr():
    """Another device scans the token; then the password."""
    telegram = client("intermediate")
    await telegram.connect()
    shown = await telegram.qr_login()
    waiting = asyncio.create_task(shown.wait(PATIENCE_S))
    # It listens only once it waits.
    await asyncio.sleep(0)
    await control("qr/accept", {"token": shown.url, "phone": FACTS["phone"]})
    try:
        await waiting
    except errors.SessionPasswordNeededError:
        await telegram.sign_in(password=FACTS["password"])
    me = await telegram.get_me()
    await telegram.disconnect()
    return {"me": me.id}


async def qr_elsewhere():
    """The account that scans is at home in another data centre: the client is sent there with its token."""
    telegram = client("full")
    await telegram.connect()
    shown = await telegram.qr_login()
    waiting = asyncio.create_task(shown.wait(PATIENCE_S))
    # It listens only once it waits.
    await asyncio.sleep(0)
    await control("qr/accept", {"token": shown.url, "phone": FACTS["phone"]})
    refused = None
    try:
        await waiting
    except errors.SessionPasswordNeededError as error:
        refused = type(error).__name__
        await telegram.sign_in(password=FACTS["password"])
    me = await telegram.get_me()
    await telegram.disconnect()
    return {"me": me.id, "moved_to": telegram.session.dc_id, "refused": refused}


async def topics():
    """A forum of the account's: topics made, written in, answered in, changed and deleted; what the bot sends there; and what a member may not."""
    telegram, guest = client("abridged"), client("intermediate")
    await logged_in(telegram)
    await logged_in(guest, FACTS["guest_phone"])
    messages = functions.messages
    made = (await telegram(functions.channels.CreateChannelRequest(title="Films", about="", megagroup=True))).chats[0]
    await telegram(functions.channels.InviteToChannelRequest(made, [await telegram.get_input_entity("guest"), await telegram.get_input_entity("ferry_bot")]))
    group = await telegram.get_input_entity(types.PeerChannel(made.id))
    seen = {"refused": [await refusal(telegram(messages.CreateForumTopicRequest(group, "Noir")))]}
    now = await telegram(functions.channels.ToggleForumRequest(made, True, False))
    seen["forum"] = [made.forum, now.chats[0].forum]
    await guest.get_dialogs()
    there = await guest.get_input_entity(types.PeerChannel(made.id))
    seen["refused"].append(await refusal(guest(functions.channels.ToggleForumRequest(there, False, False))))
    created = await telegram(messages.CreateForumTopicRequest(group, "Noir", icon_color=0xFB6F5F))
    noir = next(update.id for update in created.updates if isinstance(update, types.UpdateMessageID))
    first = await telegram.send_message(group, "in it", reply_to=noir)
    answer = await guest.send_message(there, "an answer", reply_to=first.id)
    sent = await bot("sendMessage", chat_id=int(f"-100{made.id}"), message_thread_id=noir, text="from the bot")
    general = await telegram.send_message(group, "elsewhere")

    def header(message):
        reply = message.reply_to
        return reply and [reply.forum_topic, reply.reply_to_msg_id, reply.reply_to_top_id]

    stored = {message.id: message async for message in telegram.iter_messages(group)}
    seen["headers"] = [header(stored[number]) for number in (noir, first.id, answer.id, sent["message_id"], general.id)]
    seen["expected"] = [None, [True, noir, None], [True, first.id, noir], [True, noir, None], None]
    seen["inside"] = [message.raw_text async for message in telegram.iter_messages(group, reply_to=noir)]
    anything, everywhere = types.InputMessagesFilterEmpty(), {"offset_id": 0, "add_offset": 0, "limit": 10, "max_id": 0, "min_id": 0, "hash": 0}
    found = await telegram(messages.SearchRequest(group, "n", anything, None, None, top_msg_id=noir, **everywhere))
    seen["found"] = [message.message for message in found.messages]
    listed = await telegram(messages.GetForumTopicsRequest(group, None, 0, 0, 10))
    seen["listed"] = [[topic.id, topic.title, topic.top_message, topic.my] for topic in listed.topics]
    seen["expected_list"] = [[1, "General", general.id, True], [noir, "Noir", sent["message_id"], True]]
    await telegram(messages.EditForumTopicRequest(group, noir, title="Film noir"))
    await telegram(messages.EditForumTopicRequest(group, noir, closed=True))
    seen["refused"].append(await refusal(guest.send_message(there, "late", reply_to=noir)))
    seen["refused"].append(await refusal(guest(messages.EditForumTopicRequest(there, noir, closed=False))))
    seen["refused"].append(await refusal(telegram(messages.EditForumTopicRequest(group, noir, closed=True))))
    await telegram(messages.EditForumTopicRequest(group, 1, hidden=True))
    [last] = await telegram.get_messages(group, limit=1)
    seen["hidden"] = [type(last.action).__name__, last.action.hidden]
    gone = await telegram(messages.DeleteTopicHistoryRequest(group, noir))
    seen["gone"] = gone.pts_count
    left = await telegram(messages.GetForumTopicsByIDRequest(group, [noir, 1]))
    seen["left"] = [type(topic).__name__ for topic in left.topics]
    seen["refused"].append(await refusal(telegram(messages.SendMessageRequest(group, "too late", reply_to=types.InputReplyToMessage(general.id, top_msg_id=noir)))))
    for one in (telegram, guest):
        await one.disconnect()
    return seen


async def relay():
    """A channel with the bot in it, a file there and back, and what each side sees of the other."""
    # Its obfuscated transport is in plain Python: a minute for such a file.
    telegram = client("abridged")
    await logged_in(telegram)
    heard = {}
    waiting = {}

    def hears(name):
        waiting[name] = asyncio.get_running_loop().create_future()
        return within(waiting[name])

    @telegram.on(events.NewMessage(incoming=True))
    async def on_message(event):
        heard[event.raw_text] = event.chat_id
        if event.raw_text in waiting:
            waiting[event.raw_text].set_result(event.message)

    @telegram.on(events.MessageEdited())
    async def on_edit(event):
        if event.raw_text in waiting:
            waiting[event.raw_text].set_result(event.message)

    @telegram.on(events.MessageDeleted())
    async def on_delete(event):
        for number in event.deleted_ids:
            if f"deleted {number}" in waiting:
                waiting[f"deleted {number}"].set_result(event)

    made = await telegram(functions.channels.CreateChannelRequest(title="Relay", about="", broadcast=True))
    channel = made.chats[0]
    ferry = await telegram.get_input_entity("ferry_bot")
    rights = types.ChatAdminRights(post_messages=True, edit_messages=True, delete_messages=True)
    await telegram(functions.channels.EditAdminRequest(channel, ferry, rights, rank=""))
    admins = [admin.id async for admin in telegram.iter_participants(channel, filter=types.ChannelParticipantsAdmins())]

    with tempfile.TemporaryDirectory() as folder:
        there, back = pathlib.Path(folder, "film.bin"), pathlib.Path(folder, "back.bin")
        sent_hash = random_file(there, FILE_BYTES)
        sent = await telegram.send_file(channel, there, caption="a film", force_document=True)
        await telegram.download_media(sent, str(back))
        hashes = [sent_hash, sha256_of(back)]

    copy = await bot("copyMessage", chat_id=FACTS["person"]["id"], from_chat_id=int(f"-100{channel.id}"), message_id=sent.id)

    # The account hears what the bot does, in the channel and in the chat with it.
    await telegram.send_message("ferry_bot", "hello, bot")
    coming = hears("hello, carrier")
    me = await telegram.get_me()
    private = await bot("sendMessage", chat_id=me.id, text="hello, carrier")
    await coming
    coming = hears("a post")
    post = await bot("sendMessage", chat_id=int(f"-100{channel.id}"), text="a post")
    await coming
    coming = hears("a better post")
    await bot("editMessageText", chat_id=int(f"-100{channel.id}"), message_id=post["message_id"], text="a better post")
    await coming
    coming = hears(f"deleted {post['message_id']}")
    await bot("deleteMessage", chat_id=int(f"-100{channel.id}"), message_id=post["message_id"])
    await coming
    coming = hears("hello again")
    await bot("editMessageText", chat_id=me.id, message_id=private["message_id"], text="hello again")
    await coming
    history = [message.raw_text async for message in telegram.iter_messages(channel)]
    await bot("pinChatMessage", chat_id=me.id, message_id=private["message_id"])
    [pinned] = await telegram.get_messages("ferry_bot", limit=1)
    await telegram.disconnect()
    return {
        "admins": admins,
        "channel": channel.id,
        "hashes": hashes,
        "post": sent.id,
        "copy": copy["message_id"],
        "heard": heard,
        "history": history,
        "pinned": [type(pinned.action).__name__, pinned.reply_to.reply_to_msg_id == private["message_id"]],
    }


async def catch_up():
    """What came while nobody listened is fetched when the client is back."""
    telegram = client("full")
    await logged_in(telegram)
    await telegram.send_message("ferry_bot", "hello, bot")
    me = await telegram.get_me()
    before = await telegram(functions.updates.GetStateRequest())
    await bot("sendMessage", chat_id=me.id, text="one")
    two = await bot("sendMessage", chat_id=me.id, text="two")
    await bot("editMessageText", chat_id=me.id, message_id=two["message_id"], text="second")
    missed = await telegram(functions.updates.GetDifferenceRequest(pts=before.pts, date=before.date, qts=before.qts))
    after = await telegram(functions.updates.GetStateRequest())
    nothing = await telegram(functions.updates.GetDifferenceRequest(pts=after.pts, date=after.date, qts=after.qts))
    await telegram.disconnect()
    return {
        "new": [message.message for message in missed.new_messages],
        "other": [type(update).__name__ for update in missed.other_updates],
        "moved": [missed.state.pts - before.pts, after.pts - before.pts],
        "nothing": type(nothing).__name__,
    }


async def sends():
    """A file from the account to the bot."""
    telegram = client("abridged")
    await logged_in(telegram)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "holiday.bin")
        random_file(file, 1024 * 1024)
        sent = await telegram.send_file("ferry_bot", file, caption="for the bot", force_document=True)
    await telegram.disconnect()
    return {"sent": sent.id}


async def people():
    """Two accounts in one channel: it becomes public, one comes, is sent away, comes again and goes; and a group where one has to be silent."""
    carrier, guest = client("abridged"), client("intermediate")
    await logged_in(carrier)
    await logged_in(guest, FACTS["guest_phone"])
    made = await carrier(functions.channels.CreateChannelRequest(title="Open", about="", broadcast=True))
    channel = made.chats[0]
    seen = {"refused": [await refusal(guest(functions.contacts.ResolveUsernameRequest("open_relay")))]}
    seen["free"] = await carrier(functions.channels.CheckUsernameRequest(channel, "open_relay"))
    seen["refused"].append(await refusal(carrier(functions.channels.UpdateUsernameRequest(channel, "guest"))))
    await carrier(functions.channels.UpdateUsernameRequest(channel, "open_relay"))
    first = await carrier.send_message(channel, "the first post")
    seen["read_outside"] = [message.raw_text async for message in guest.iter_messages("open_relay")]
    joined = await guest(functions.channels.JoinChannelRequest("open_relay"))
    seen["left"] = joined.updates.chats[0].left
    seen["refused"].append(await refusal(guest(functions.channels.JoinChannelRequest("open_relay"))))
    seen["refused"].append(await refusal(guest.send_message("open_relay", "me too")))
    seen["members"] = [member.username async for member in carrier.iter_participants(channel)]

    await carrier.edit_permissions(channel, "guest", view_messages=False)
    seen["refused"].append(await refusal(guest(functions.channels.JoinChannelRequest("open_relay"))))
    seen["kicked"] = [member.username async for member in carrier.iter_participants(channel, filter=types.ChannelParticipantsKicked(""))]
    await carrier.edit_permissions(channel, "guest", view_messages=True)
    await guest(functions.channels.JoinChannelRequest("open_relay"))
    await guest(functions.channels.LeaveChannelRequest("open_relay"))
    seen["refused"].append(await refusal(carrier(functions.channels.LeaveChannelRequest(channel))))

    forwarded = await guest.forward_messages("ferry_bot", first.id, "open_relay")
    seen["forwarded"] = [forwarded.raw_text, forwarded.fwd_from.from_id.channel_id == channel.id, forwarded.fwd_from.channel_post == first.id]
    plain = await guest.forward_messages("ferry_bot", first.id, "open_relay", drop_author=True)
    seen["copied"] = [plain.raw_text, plain.fwd_from]

    group = (await carrier(functions.channels.CreateChannelRequest(title="Group", about="", megagroup=True))).chats[0]
    await carrier(functions.channels.InviteToChannelRequest(group, [await carrier.get_input_entity("guest")]))
    await guest.get_dialogs()
    here = await guest.get_input_entity(types.PeerChannel(group.id))
    await guest.send_message(here, "hello, group")
    told = [message.action async for message in carrier.iter_messages(group) if message.action]
    seen["told"] = [[type(action).__name__, action.users == [(await guest.get_me()).id]] for action in told]
    await carrier.edit_permissions(group, "guest", send_messages=False)
    seen["refused"].append(await refusal(guest.send_message(here, "still here")))

    with tempfile.TemporaryDirectory() as folder:
        old, new = pathlib.Path(folder, "old.bin"), pathlib.Path(folder, "new.bin")
        random_file(old, 50_000)
        sent = await carrier.send_file(channel, old, caption="old", force_document=True)
        wanted = random_file(new, 60_000)
        edited = await carrier.edit_message(channel, sent.id, "new", file=str(new), force_document=True)
        back = pathlib.Path(folder, "back.bin")
        await carrier.download_media(edited, str(back))
        seen["edited"] = [edited.id == sent.id, edited.raw_text, sha256_of(back) == wanted]

    other = client("full")
    await logged_in(other)
    devices = (await carrier(functions.account.GetAuthorizationsRequest())).authorizations
    seen["devices"] = [[device.current, device.hash == 0, device.api_id == API_ID] for device in devices]
    seen["refused"].append(await refusal(carrier(functions.account.ResetAuthorizationRequest(devices[1].hash))))
    for telegram in (carrier, guest, other):
        await telegram.disconnect()
    return seen


async def data_centres():
    """An account that is at home elsewhere, and a guest who fetches its file from there."""
    carrier, guest = client("abridged"), client("full")
    await logged_in(carrier)
    seen = {"moved_to": carrier.session.dc_id}
    config = await carrier(functions.help.GetConfigRequest())
    seen["config"] = [config.this_dc, sorted(option.id for option in config.dc_options)]
    made = await carrier(functions.channels.CreateChannelRequest(title="Open", about="", broadcast=True))
    await carrier(functions.channels.UpdateUsernameRequest(made.chats[0], "open_relay"))
    await logged_in(guest, FACTS["guest_phone"])
    seen["stayed_at"] = guest.session.dc_id
    with tempfile.TemporaryDirectory() as folder:
        there, back = pathlib.Path(folder, "there.bin"), pathlib.Path(folder, "back.bin")
        wanted = random_file(there, 3_000_000)
        await carrier.send_file("open_relay", there, caption="from afar", force_document=True)
        [message] = await guest.get_messages("open_relay", limit=1)
        document = message.document
        seen["file_at"] = document.dc_id
        location = types.InputDocumentFileLocation(document.id, document.access_hash, document.file_reference, "")
        seen["refused"] = [await refusal(guest(functions.upload.GetFileRequest(location, 0, 4096)))]
        # It takes its login there by itself.
        await guest.download_media(message, str(back))
        seen["same"] = sha256_of(back) == wanted
    sender = await guest._borrow_exported_sender(document.dc_id)
    seen["refused"].append(await refusal(sender.send(functions.updates.GetStateRequest())))
    taken = await guest(functions.auth.ExportAuthorizationRequest(document.dc_id))
    seen["refused"].append(await refusal(guest(functions.auth.ImportAuthorizationRequest(taken.id, taken.bytes))))
    seen["refused"].append(await refusal(guest(functions.auth.ExportAuthorizationRequest(9))))
    await guest._return_exported_sender(sender)
    for telegram in (carrier, guest):
        await telegram.disconnect()
    return seen


async def duplicated():
    """One session used by two at once, and by one who comes back."""
    first = client("abridged")
    await logged_in(first)
    await first.disconnect()
    seen = {"back": []}
    for _ in range(2):
        await first.connect()
        seen["back"].append((await first.get_me()).username)
        await first.disconnect()
    second = client("abridged", first.session.auth_key)
    await first.connect()
    await first.get_me()
    await second.connect()
    await second.get_me()
    seen["refused"] = [await refusal(first(functions.updates.GetStateRequest())), await refusal(second(functions.updates.GetStateRequest()))]
    for telegram in (first, second):
        await telegram.disconnect()
    return seen


async def expired():
    """The parts are gone when the message is to take them."""
    telegram = client("abridged")
    await logged_in(telegram)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "late.bin")
        random_file(file, 100_000)
        refused = await refusal(telegram.send_file("ferry_bot", file, force_document=True))
    await telegram.disconnect()
    return {"refused": refused}


async def revoked():
    """Somebody ends the session from another device, right before a call."""
    telegram = client("abridged")
    await logged_in(telegram)
    refused = await refusal(telegram(functions.account.GetAuthorizationsRequest()))
    await telegram.disconnect()
    return {"refused": refused}


async def clock():
    """The clock of the server is an hour ahead, then two: clients set theirs by it. And which channels have changed is told with what was missed."""
    await control("clock", {"skew_s": 3600})
    telegram = client("abridged")
    await logged_in(telegram)
    ahead = [(await telegram(functions.help.GetConfigRequest())).date.timestamp() - time.time()]
    await control("clock", {"skew_s": 7200})
    ahead.append((await telegram(functions.help.GetConfigRequest())).date.timestamp() - time.time())
    made = await telegram(functions.channels.CreateChannelRequest(title="Relay", about="", broadcast=True))
    channel = made.chats[0]
    before = await telegram(functions.updates.GetStateRequest())
    nothing = await telegram(functions.updates.GetDifferenceRequest(pts=before.pts, date=before.date, qts=before.qts))
    await telegram.send_message(channel, "a post")
    missed = await telegram(functions.updates.GetDifferenceRequest(pts=before.pts, date=before.date, qts=before.qts))
    [too_long] = missed.other_updates
    posts = await telegram(functions.updates.GetChannelDifferenceRequest(channel, types.ChannelMessagesFilterEmpty(), pts=1, limit=10, force=True))
    await telegram.disconnect()
    return {
        "ahead_h": [round(seconds / 3600, 1) for seconds in ahead],
        "nothing": type(nothing).__name__,
        "too_long": [type(too_long).__name__, too_long.channel_id == channel.id, too_long.pts],
        "posts": [message.message for message in posts.new_messages],
    }


async def albums():
    """An album of the account, copied by the bot; and what the bot sends itself, by its token."""
    telegram = client("intermediate")
    await logged_in(telegram)
    made = await telegram(functions.channels.CreateChannelRequest(title="Relay", about="", broadcast=True))
    channel = made.chats[0]
    rights = types.ChatAdminRights(post_messages=True)
    await telegram(functions.channels.EditAdminRequest(channel, await telegram.get_input_entity("ferry_bot"), rights, rank=""))
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder, f"part {number}.bin") for number in (1, 2, 3)]
        for number, file in enumerate(files):
            # The last one is a big file for Telegram, which has no checksum.
            random_file(file, 11 * 1024 * 1024 if number == 2 else 100_000)
        sent = await telegram.send_file(channel, files, caption=["one", "two", "three"], force_document=True)
        chat = int(f"-100{channel.id}")
        numbers = [message.id for message in sent]
        copies = await bot("copyMessages", chat_id=FACTS["person"]["id"], from_chat_id=chat, message_ids=numbers + [999])
        await telegram.disconnect()

        ferry = client("abridged")
        await ferry.connect()
        await ferry.sign_in(bot_token=FACTS["bot"]["token"])
        person = types.InputPeerUser(FACTS["person"]["id"], 0)
        direct = await ferry.send_file(person, files[2], caption="direct", force_document=True)
        await bot("editMessageCaption", chat_id=FACTS["person"]["id"], message_id=direct.id, caption="the same message")
        posted = await ferry.send_file(types.InputPeerChannel(channel.id, 0), files[0], caption="by the bot", force_document=True)
        try:
            await ferry.send_message(types.InputPeerUser(FACTS["stranger"]["id"], 0), "hello?")
            raise AssertionError("a bot wrote to a stranger")
        except errors.RPCError as error:
            refused = type(error).__name__
        await ferry.disconnect()
    return {
        "channel": channel.id,
        "groups": len({message.grouped_id for message in sent}),
        "copies": [copy["message_id"] for copy in copies],
        "direct": direct.id,
        "posted": posted.id - sent[-1].id,
        "refused": refused,
    }


run({"clock": clock, "expired": expired, "revoked": revoked, "data_centres": data_centres, "duplicated": duplicated, "people": people, "sends": sends, "albums": albums, "transports": transports, "login": login, "qr": qr, "qr_elsewhere": qr_elsewhere, "topics": topics, "relay": relay, "catch_up": catch_up})
