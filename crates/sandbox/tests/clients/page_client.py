"""Somebody at the page, in Debian's Chromium: what they see, and what they do with mouse and keyboard."""

import asyncio
import contextlib
import os
import pathlib

from playwright.async_api import async_playwright, expect

from facts import FACTS, PATIENCE_S, bot, control, run

DESKTOP, PHONE = {"width": 1400, "height": 900}, {"width": 360, "height": 740}
# What the browser notes of a call that the page makes and that is refused.
REFUSED = "status of 400 (Bad Request)"
expect.set_options(timeout=PATIENCE_S * 1000)


@contextlib.asynccontextmanager
async def opened(size, query="user=ann", **options):
    """A page of this size, and what the browser complained of."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"])
        context = await browser.new_context(viewport=size, reduced_motion="reduce", **options)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        await page.goto(f"{FACTS['bot_api']}/?{query}")
        await page.wait_for_selector("#messages .message, #chats .chat")
        yield page, complaints
        await browser.close()


async def shot(page, name):
    """Keeps a picture, if pictures are wanted."""
    folder = os.environ.get("TGFERRY_PAGE_SHOTS")
    if folder:
        # What was said for a moment is not part of it.
        await expect(page.locator("#toast")).to_be_empty()
        await page.screenshot(path=pathlib.Path(folder, f"{name}.png"))


async def texts(locator):
    return [text.strip() for text in await locator.all_inner_texts()]


def bubble(page, text):
    return page.locator(".message", has_text=text).last


async def chat():
    """Everything that a chat shows, and what one does in it."""
    seen = {}
    async with opened(DESKTOP, permissions=["clipboard-read", "clipboard-write"]) as (page, complaints):
        await expect(bubble(page, "Working on it")).to_be_visible()
        seen["chats"] = sorted(await texts(page.locator(".chat b")), key=str.swapcase)
        seen["album"] = await page.locator(".album .sight").count()
        seen["free"] = [await page.locator(".free .sticker img").count(), await page.locator(".free .round").count()]
        formatted = page.locator(".words")
        seen["marks"] = sorted(set(await formatted.locator("a, b, i, u, s, code, pre, blockquote").evaluate_all("all => all.map(node => node.localName)")))
        seen["quoted"] = await bubble(page, "The long one").locator(".quote span").inner_text()
        seen["forwarded"] = await bubble(page, "Every film").locator(".from b").inner_text()
        await page.locator(".wide .begin").first.evaluate("film => film.closest('.message').scrollIntoView({block: 'end'})")
        await shot(page, "desktop-light")

        # The film plays, and goes on from where one wants it to.
        await page.get_by_role("button", name="Play film.mp4").click()
        film = page.locator(".message video[controls]")
        await film.evaluate("video => { video.muted = true; video.id = 'film'; }")
        await page.wait_for_function("document.querySelector('#film').currentTime > 0.2")
        seen["played_s"] = await film.evaluate("video => video.currentTime")
        await film.evaluate("video => new Promise(done => { video.onseeked = done; video.currentTime = 5; })")
        seen["sought_s"] = await film.evaluate("video => video.currentTime")

        covered = bubble(page, "Not yet").locator(".sight")
        was = await covered.evaluate("node => node.classList.contains('covered')")
        await covered.click()
        seen["covered"] = [was, await covered.evaluate("node => node.classList.contains('covered')")]
        await covered.click()
        await expect(page.locator("#viewer img")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#viewer")).to_be_hidden()

        await page.get_by_role("button", name="Copy the code").click()
        await expect(page.locator("#toast")).to_have_text("Copied")
        seen["copied"] = await page.evaluate("navigator.clipboard.readText()")

        # A button, and the bot's answer as an alert.
        answering = asyncio.create_task(answer_a_press("Chosen: the long one"))
        await page.get_by_role("button", name="Video 1080p").click()
        await expect(page.locator("#alert p")).to_be_visible()
        seen["alert"] = await page.locator("#alert p").inner_text()
        await answering
        await page.keyboard.press("Enter")
        await expect(page.locator("#alert")).to_be_hidden()
        seen["alert_closed"] = True

        # Others' edits come by themselves and leave alone what plays.
        film_before = await page.evaluate("document.querySelector('#film').currentTime > 0")
        number = int(await bubble(page, "Working on it").get_attribute("data-id"))
        await bot("editMessageText", chat_id=FACTS["person"]["id"], message_id=number, text="It is done")
        await expect(page.locator(f"[data-id='{number}'] .words")).to_have_text("It is done")
        seen["edited"] = await page.locator(f"[data-id='{number}'] .words").inner_text()
        seen["same_player"] = film_before and await page.locator("#film").count() == 1

        # By keyboard: up to the message before the last, answer it, write, send.
        await page.locator("#messages").focus()
        question = page.locator(".message", has_text="Which one?").first
        await question.focus()
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("r")
        await expect(page.locator("#text")).to_be_focused()
        await page.keyboard.type("answer by keyboard")
        await page.keyboard.press("Enter")
        mine = page.locator(".message.mine", has_text="answer by keyboard")
        await expect(mine).to_be_visible()
        seen["wrote"] = ["answer by keyboard", await mine.locator(".quote span").inner_text()]
        await page.locator("[data-command='/help']").click()
        await expect(page.locator(".message.mine", has_text="/help")).to_be_visible()

        # Another person, another chat: a group with names.
        await page.locator("#user").select_option("bea")
        await page.locator(".chat", has_text="Film club").click()
        await page.locator("#text").fill("hello, club")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message.mine", has_text="hello, club")).to_be_visible()
        await page.locator("#user").select_option("ann")
        await page.locator(".chat", has_text="Film club").click()
        await expect(bubble(page, "hello, club")).to_be_visible()
        seen["club"] = (await texts(bubble(page, "hello, club").locator(".words")))[0]
        seen["club_author"] = await page.locator(".author").first.inner_text()
        await shot(page, "group")
        seen["errors"] = complaints
    return seen


async def answer_a_press(text):
    """The bot takes the next press and answers with an alert."""
    query = await hears("callback_query")
    await bot("answerCallbackQuery", callback_query_id=query["id"], text=text, show_alert=True)


async def hears(kind, fits=lambda _: True):
    """The next update of a kind that the bot gets; what came before is dropped."""
    offset = 0
    while True:
        for update in await bot("getUpdates", timeout=10, offset=offset):
            offset = update["update_id"] + 1
            if kind in update and fits(update[kind]):
                await bot("getUpdates", offset=offset)
                return update[kind]


async def checks_out(**answer):
    """The bot takes the next payment, or not."""
    query = await hears("pre_checkout_query")
    await bot("answerPreCheckoutQuery", pre_checkout_query_id=query["id"], **answer)


async def offers(title, text):
    """Ann asks the bot by its name and sends what it offers."""
    asking = asyncio.create_task(control("inline", {"user": "ann", "query": "films"}))
    query = await hears("inline_query")
    result = {"type": "article", "id": "1", "title": title, "input_message_content": {"message_text": text}}
    await bot("answerInlineQuery", inline_query_id=query["id"], results=[result])
    await control("inline/choose", {"user": "ann", "query_id": (await asking)["query_id"], "result_id": "1"})


async def extras():
    """An invoice is paid, a keyboard used, a topic written in; in light and dark, on a desk and on a phone."""
    seen, ann = {}, FACTS["person"]["id"]
    club = await a_forum()
    await control("bots", {"inline_mode": True})
    await offers("A film", "Found with the bot: https://example.org/film")
    first = await bot("sendMessage", chat_id=ann, text="The film is ready whenever you are.")
    await bot("pinChatMessage", chat_id=ann, message_id=first["message_id"])
    prices = [{"label": "A month", "amount": 50}]
    await bot("sendInvoice", chat_id=ann, title="A month of ferrying", description="Films of any size for 30 days, ahead of everybody else.", payload="month", currency="XTR", prices=prices)
    keys = {"keyboard": [["Video", "Only the sound"], ["Ask me each time"]], "resize_keyboard": True, "input_field_placeholder": "What shall I bring?"}
    async with opened(DESKTOP) as (page, complaints):
        # The bot says no, then yes.
        toast, pay = page.locator("#toast"), page.locator(".pay")
        answering = asyncio.create_task(checks_out(ok=False, error_message="Sold out"))
        await pay.click()
        # It stands there for some seconds only.
        await expect(toast).to_have_text("Sold out")
        seen["refused"] = "Sold out"
        await answering
        await control("stars", {"user": "ann", "stars": 10})
        await pay.click()
        await expect(toast).to_have_text("You do not have enough Stars.")
        await control("stars", {"user": "ann", "stars": 1000})
        answering = asyncio.create_task(checks_out(ok=True))
        await pay.click()
        paid = page.locator(".notice", has_text="paid")
        await expect(paid).to_be_visible()
        seen["paid"] = await paid.inner_text()
        await answering
        await page.get_by_role("button", name="Receipt").click()
        seen["receipt"] = (await page.locator("#alert p").inner_text()).split("\n")[:2]
        await page.keyboard.press("Enter")
        seen["stars"] = (await control("stars?user=ann"))["stars"]
        charge = (await hears("message", lambda message: "successful_payment" in message))["successful_payment"]["telegram_payment_charge_id"]

        seen["reactions"] = await texts(page.locator(".reaction"))
        # One's own reaction: chosen by mouse, then another by keyboard, then taken back.
        ready = bubble(page, "The film is ready")
        chosen = ready.locator(".reaction")
        await ready.hover()
        await ready.get_by_role("button", name="React to this message").click()
        await page.locator("#picker").get_by_role("button", name="🎉").click()
        await expect(chosen).to_have_text("🎉")
        await ready.focus()
        await page.keyboard.press("e")
        await expect(page.locator("#picker button").first).to_be_focused()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Enter")
        await expect(chosen).to_have_text("❤")
        seen["mine"] = await chosen.get_attribute("aria-pressed")
        await chosen.click()
        await expect(chosen).to_have_count(0)
        seen["via"] = await bubble(page, "Found with the bot").locator(".from b").inner_text()
        pinned = page.locator(".notice", has_text="pinned")
        await pinned.click()
        await expect(page.locator(f"[data-id='{first['message_id']}']")).to_be_focused()

        # The keyboard comes, is used, put away, and taken away.
        await bot("sendMessage", chat_id=ann, text="Choose below.", reply_markup=keys)
        await expect(page.locator("#keys button")).to_have_count(3)
        seen["placeholder"] = await page.locator("#text").get_attribute("placeholder")
        await page.get_by_role("button", name="Only the sound").click()
        await expect(page.locator(".message.mine", has_text="Only the sound")).to_be_visible()
        await shot(page, "extras-light")
        await page.locator("#keys-toggle").click()
        seen["put_away"] = await page.locator("#keys").is_hidden()
        await page.locator("#keys-toggle").click()
        await bot("sendMessage", chat_id=ann, text="Thank you.", reply_markup={"remove_keyboard": True})
        await expect(page.locator("#keys")).to_be_hidden()
        seen["toggle"] = await page.locator("#keys-toggle").is_visible()
        # A key that asks who one is; and the way back from a block.
        contact = {"keyboard": [[{"text": "My number", "request_contact": True}]], "resize_keyboard": True, "one_time_keyboard": True}
        await bot("sendMessage", chat_id=ann, text="Who are you?", reply_markup=contact)
        await page.get_by_role("button", name="My number").click()
        await expect(page.locator(".message.mine .file b", has_text="Ann")).to_be_visible()
        await control("block", {"user": "ann"})
        await page.get_by_role("button", name="Unblock").click()
        await expect(page.locator("#write")).to_be_visible()
        await page.locator(".chat", has_text="Film club").focus()
        await bot("sendMessage", chat_id=ann, text="And its name?", reply_markup={"force_reply": True})
        await expect(page.locator("#text")).to_be_focused()
        await page.keyboard.type("Evenings")
        await page.keyboard.press("Enter")
        seen["forced"] = await bubble(page, "Evenings").locator(".quote span").inner_text()
        await bot("refundStarPayment", user_id=ann, telegram_payment_charge_id=charge)
        await expect(page.locator(".notice").last).to_contain_text("back to you")
        await expect(pay).to_be_visible()

        # A topic holds its own messages, and what is written in it.
        await page.locator(".chat", has_text="Film club").click()
        await expect(page.locator(".notice", has_text="bea joined")).to_be_visible()
        seen["general"] = await texts(page.locator(".message .words"))
        await page.locator("#topics button", has_text="Noir").click()
        await expect(bubble(page, "Only shadows here")).to_be_visible()
        await page.locator("#text").fill("And rain")
        await page.keyboard.press("Enter")
        await expect(bubble(page, "And rain")).to_be_visible()
        seen["noir"] = await texts(page.locator(".message .words"))
        stored = await control(f"messages?user=ann&chat={club}")
        seen["in_topic"] = [message["text"] for message in stored if message["thread"] and message["text"]]
        await shot(page, "topic-light")

        # Only admins write in a topic that is closed.
        westerns = page.locator("#topics button", has_text="Westerns")
        await bot("closeForumTopic", chat_id=club, message_thread_id=int(await westerns.get_attribute("data-topic")))
        await westerns.click()
        await expect(page.locator(".notice", has_text="closed the topic")).to_be_visible()
        seen["owner_writes"] = await page.locator("#write").is_visible()
        await page.locator("#user").select_option("bea")
        await expect(page.locator("#topics button", has_text="General")).to_have_attribute("aria-current", "true")
        await expect(page.locator("#write")).to_be_visible()
        await westerns.click()
        await expect(page.locator("#instead")).to_be_visible()
        seen["member_reads"] = await page.locator("#instead").inner_text()
        seen["errors"] = [line for line in complaints if not line.endswith(REFUSED)]

    await bot("sendMessage", chat_id=ann, text="Choose below.", reply_markup=keys)
    for name, size, options in [("dark", DESKTOP, {}), ("phone-dark", PHONE, {"has_touch": True, "is_mobile": True, "device_scale_factor": 2})]:
        async with opened(size, color_scheme="dark", **options) as (page, complaints):
            await page.locator("[data-chat=ferry_bot]").click()
            await expect(page.locator("#keys button").first).to_be_visible()
            await page.locator(".invoice").evaluate("node => node.closest('.message').scrollIntoView({block: 'start'})")
            await shot(page, f"extras-{name}")
            seen["errors"] += complaints + await too_wide(page)
            await page.goto(f"{FACTS['bot_api']}/?user=ann&chat={club}")
            await page.locator("#topics button", has_text="Noir").click()
            await expect(bubble(page, "And rain")).to_be_visible()
            await shot(page, f"topic-{name}")
            seen["errors"] += await too_wide(page)
    return seen


async def a_forum():
    """A group of ann's with bea and the bot in it, and topics."""
    club = int((await control("groups", {"user": "ann", "title": "Film club"}))["chat"])
    for act in ["add_bot", "promote_bot", "make_forum"]:
        await control("groups/act", {"user": "ann", "chat": club, "act": act})
    await control("groups/act", {"user": "bea", "chat": club, "act": "join"})
    await control("send", {"user": "bea", "chat": club, "text": "What do we watch tonight?"})
    for name, colour, text in [("Noir", 0x6FB9F0, "Only shadows here"), ("Silent films", 0xFFD67E, "…"), ("Westerns", 0xFB6F5F, "Dust")]:
        topic = await bot("createForumTopic", chat_id=club, name=name, icon_color=colour)
        await bot("sendMessage", chat_id=club, text=text, message_thread_id=topic["message_thread_id"])
        if name == "Noir":
            await control("send", {"user": "bea", "chat": club, "message_thread_id": topic["message_thread_id"], "text": "Laura, then. Who brings the projector?"})
    return club


async def too_wide(page):
    """What sticks out at the right."""
    return await page.evaluate("[...document.querySelectorAll('body *')].filter(node => node.checkVisibility() && !node.closest('#topics') && node.getBoundingClientRect().right > innerWidth + 1).map(node => node.outerHTML.slice(0, 80))")


async def wire():
    """The panel beside the chat, its filters; then all of it on a phone."""
    seen = {}
    async with opened(DESKTOP, color_scheme="dark") as (page, complaints):
        await page.locator("#wire-toggle").click()
        lines = page.locator("#wire-lines li")
        await expect(lines.first).to_be_visible()
        await page.locator("#messages").focus()
        await page.wait_for_function("document.querySelector('.album video').readyState > 1")
        await page.locator(".album").evaluate("album => album.closest('.message').scrollIntoView({block: 'center'})")
        await shot(page, "desktop-dark")
        seen["mtproto"] = await filtered(page, face="mtproto")
        seen["only_albums"] = await filtered(page, text="mediagroup", face="")
        await page.locator("#wire-text").fill("")
        await page.locator("#wire-errors").check()
        await page.locator("#wire-face").select_option("bot_api")
        seen["only_errors"] = [": ".join(pair) for pair in zip(await texts(lines.locator("b")), await texts(lines.locator(".error")))]
        await page.locator("#wire-errors").uncheck()
        await page.locator("#wire-face").select_option("")
        await bot("getMe")
        await expect(lines.first.locator("b")).to_have_text("getMe")
        seen["live"] = await lines.first.locator("b").inner_text()
        seen["errors"] = complaints

    async with opened(PHONE, has_touch=True, is_mobile=True, device_scale_factor=2) as (page, complaints):
        views, wide = [], []

        async def look(name):
            visible = [view for view, node in {"list": "#side", "chat": "#main", "wire": "#wire"}.items() if await page.locator(node).is_visible()]
            views.append(visible[-1])
            wide.extend(await too_wide(page))
            await shot(page, f"phone-{name}")

        await look("list")
        await page.locator(".chat", has_text="ferry_bot").tap()
        await expect(bubble(page, "Working on it")).to_be_visible()
        await look("chat")
        await page.wait_for_function("document.querySelector('.album video').readyState > 1")
        await page.locator(".album").evaluate("album => album.closest('.message').scrollIntoView({block: 'end'})")
        await shot(page, "phone-media")
        await page.locator("#wire-toggle").tap()
        await expect(page.locator("#wire-lines li").first).to_be_visible()
        await look("wire")
        await page.keyboard.press("Escape")
        await look("back")
        await page.keyboard.press("Escape")
        await look("list-again")
        seen["phone_views"], seen["too_wide"] = views, wide
        seen["errors"] += complaints
    return seen


async def filtered(page, text="", face=""):
    await page.locator("#wire-text").fill(text)
    await page.locator("#wire-face").select_option(face)
    return await texts(page.locator("#wire-lines li b"))


run({"chat": chat, "wire": wire, "extras": extras})
