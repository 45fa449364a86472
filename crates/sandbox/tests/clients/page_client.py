"""Somebody at the page, in Debian's Chromium: what they see, and what they do with mouse and keyboard."""

import asyncio
import contextlib
import os
import pathlib

from playwright.async_api import async_playwright, expect

from facts import FACTS, PATIENCE_S, bot, run

DESKTOP, PHONE = {"width": 1400, "height": 900}, {"width": 360, "height": 740}
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
        formatted = page.locator(".words")
        seen["marks"] = sorted(set(await formatted.locator("a, b, i, u, s, code, pre, blockquote").evaluate_all("all => all.map(node => node.localName)")))
        seen["quoted"] = await bubble(page, "The long one").locator(".quote span").inner_text()
        seen["forwarded"] = await bubble(page, "Every film").locator(".from b").inner_text()
        await page.locator(".begin").first.evaluate("film => film.closest('.message').scrollIntoView({block: 'end'})")
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
        seen["alert_closed"] = await page.locator("#alert").is_hidden()

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
    offset = 0
    while True:
        for update in await bot("getUpdates", timeout=10, offset=offset):
            offset = update["update_id"] + 1
            if "callback_query" in update:
                await bot("answerCallbackQuery", callback_query_id=update["callback_query"]["id"], text=text, show_alert=True)
                return


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
            wide.extend(await page.evaluate("[...document.querySelectorAll('body *')].filter(node => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 1).map(node => node.outerHTML.slice(0, 80))"))
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


run({"chat": chat, "wire": wire})
