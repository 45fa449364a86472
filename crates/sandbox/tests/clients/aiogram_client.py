"""aiogram against the sandbox: it is told an address; all else is as it comes from PyPI."""

import asyncio
import hashlib

import aiogram
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import CommandStart
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputMediaDocument,
    InputTextMessageContent,
    LabeledPrice,
)
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

import person
from facts import FACTS, run, within

SECRET = "a-secret_of_the_hook"
KEYS = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Video", callback_data="video")]])


def new_bot():
    return Bot(FACTS["bot"]["token"], session=AiohttpSession(api=TelegramAPIServer.from_base(FACTS["bot_api"])))


def talking(done, finished):
    """Handlers of a talk; `done` is told what they saw, and `finished` when it is over."""
    dispatcher = Dispatcher()

    @dispatcher.message(CommandStart(deep_link=True))
    async def start(message, command):
        done["payload"] = command.args
        await message.answer("<b>Choose</b>", parse_mode="HTML", reply_markup=KEYS)

    @dispatcher.callback_query(F.data == "video")
    async def chosen(query, bot):
        await query.answer("On its way")
        await query.message.edit_text("Chosen")
        files = [BufferedInputFile(person.CONTENT + bytes([number]), f"part {number}.bin") for number in (1, 2)]
        album = await query.message.answer_media_group([InputMediaDocument(media=file, caption="in parts") for file in files])
        copied = await bot.copy_message(person.chat(), person.chat(), album[0].message_id, caption="copied")
        content = await bot.download(album[0].document)
        done["groups"] = len({message.media_group_id for message in album})
        done["hashes"] = [hashlib.sha256(bytes_).hexdigest() for bytes_ in (content.read(), person.CONTENT + b"\x01")]
        done["copy"] = copied.message_id
        finished.set()

    return dispatcher


async def polls():
    """By long polling."""
    bot, done, finished = new_bot(), {}, asyncio.Event()
    dispatcher = talking(done, finished)
    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=1))
    told = await person.talks()
    await within(finished.wait())
    await dispatcher.stop_polling()
    await polling
    return {**done, **told, "version": aiogram.__version__}


async def hooked():
    """By a webhook with a secret."""
    bot, done, finished = new_bot(), {}, asyncio.Event()
    app = web.Application()
    SimpleRequestHandler(talking(done, finished), bot, secret_token=SECRET).register(app, path="/hook")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token=SECRET, drop_pending_updates=True)
    told = await person.talks()
    await within(finished.wait())
    info = await bot.get_webhook_info()
    await bot.delete_webhook()
    await runner.cleanup()
    await bot.session.close()
    return {**done, **told, "pending": info.pending_update_count, "error": info.last_error_message}


async def pays():
    """Two payments in Stars; both are given back."""
    bot, dispatcher, back = new_bot(), Dispatcher(), asyncio.Queue()

    @dispatcher.pre_checkout_query()
    async def check(query):
        await query.answer(ok=True)

    @dispatcher.message(F.successful_payment)
    async def paid(message):
        await bot.refund_star_payment(message.from_user.id, message.successful_payment.telegram_payment_charge_id)

    @dispatcher.message(F.refunded_payment)
    async def refunded(message):
        await back.put(message.refunded_payment.telegram_payment_charge_id)

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=1))
    prices = [LabeledPrice(label="A month", amount=person.PRICE)]
    await bot.send_invoice(person.chat(), "A month", "Big files", "month-1", "XTR", prices)
    link = await bot.create_invoice_link("A month", "Big files", "month-2", "XTR", prices)
    charges = await person.pays(link)
    refunds = [await within(back.get()) for _ in charges]
    transactions = (await bot.get_star_transactions()).transactions
    balance = (await bot.get_my_star_balance()).amount
    await dispatcher.stop_polling()
    await polling
    return {
        "charges": charges,
        "refunds": refunds,
        "balance": balance,
        "came": [each.source.invoice_payload for each in transactions if each.source],
        "went": [each.receiver.user.username for each in transactions if each.receiver],
    }


async def inline():
    """A query from a chat, a result that is chosen and edited."""
    await person.lets_it_be_asked()
    bot, dispatcher, chosen = new_bot(), Dispatcher(), asyncio.Queue()

    @dispatcher.inline_query()
    async def asked(query):
        content = InputTextMessageContent(message_text=f"*{query.query}*", parse_mode="MarkdownV2")
        article = InlineQueryResultArticle(id="1", title="An article", input_message_content=content, reply_markup=KEYS)
        await query.answer([article], cache_time=0, is_personal=True)

    @dispatcher.chosen_inline_result()
    async def taken(result):
        await bot.edit_message_text("changed", inline_message_id=result.inline_message_id)
        await chosen.put(result.result_id)

    polling = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=1))
    seen = await person.asks_and_chooses()
    result = await within(chosen.get())
    await dispatcher.stop_polling()
    await polling
    return {**seen, "chosen": result}


run({"polls": polls, "hooked": hooked, "pays": pays, "inline": inline})
