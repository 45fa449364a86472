"""python-telegram-bot against the sandbox: it is told an address; all else is as it comes from PyPI."""

import asyncio
import contextlib
import hashlib
import socket

import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InlineQueryResultArticle, InputMediaDocument, InputTextMessageContent, LabeledPrice, Update
from telegram.constants import ParseMode
from telegram.ext import (
    ApplicationBuilder,
    CallbackQueryHandler,
    ChosenInlineResultHandler,
    CommandHandler,
    InlineQueryHandler,
    MessageHandler,
    PreCheckoutQueryHandler,
    filters,
)

import person
from facts import FACTS, run, within

SECRET = "a-secret_of_the_hook"
KEYS = InlineKeyboardMarkup([[InlineKeyboardButton("Video", callback_data="video")]])


def new_app(*handlers):
    base = FACTS["bot_api"]
    builder = ApplicationBuilder().token(FACTS["bot"]["token"]).base_url(f"{base}/bot").base_file_url(f"{base}/file/bot")
    app = builder.build()
    app.add_handlers(handlers)
    return app


@contextlib.asynccontextmanager
async def running(app, port=None):
    """The application fetches its updates, or with a port is told them, until the block ends."""
    async with app:
        await app.start()
        if port is None:
            await app.updater.start_polling(timeout=1, allowed_updates=Update.ALL_TYPES)
        else:
            url = f"http://127.0.0.1:{port}/hook"
            await app.updater.start_webhook("127.0.0.1", port, "hook", webhook_url=url, secret_token=SECRET, drop_pending_updates=True)
        try:
            yield app.bot
        finally:
            if port is not None:
                await app.bot.delete_webhook()
            await app.updater.stop()
            await app.stop()


def talking(done, finished):
    """Handlers of a talk; `done` is told what they saw, and `finished` when it is over."""

    async def start(update, context):
        done["payload"] = " ".join(context.args)
        await update.message.reply_text("<b>Choose</b>", parse_mode=ParseMode.HTML, reply_markup=KEYS)

    async def chosen(update, context):
        await update.callback_query.answer("On its way")
        await update.callback_query.edit_message_text("Chosen")
        media = [InputMediaDocument(person.CONTENT + bytes([number]), caption="in parts", filename=f"part {number}.bin") for number in (1, 2)]
        album = await context.bot.send_media_group(person.chat(), media)
        copied = await context.bot.copy_message(person.chat(), person.chat(), album[0].message_id, caption="copied")
        content = await (await album[0].document.get_file()).download_as_bytearray()
        done["groups"] = len({message.media_group_id for message in album})
        done["hashes"] = [hashlib.sha256(bytes_).hexdigest() for bytes_ in (content, person.CONTENT + b"\x01")]
        done["copy"] = copied.message_id
        finished.set()

    return CommandHandler("start", start, has_args=True), CallbackQueryHandler(chosen, "video")


async def polls():
    """By long polling."""
    done, finished = {}, asyncio.Event()
    async with running(new_app(*talking(done, finished))):
        told = await person.talks()
        await within(finished.wait())
    return {**done, **told, "version": telegram.__version__}


async def hooked():
    """By a webhook with a secret."""
    done, finished = {}, asyncio.Event()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with running(new_app(*talking(done, finished)), port) as bot:
        told = await person.talks()
        await within(finished.wait())
        info = await bot.get_webhook_info()
    return {**done, **told, "pending": info.pending_update_count, "error": info.last_error_message}


async def pays():
    """Two payments in Stars; both are given back."""
    back = asyncio.Queue()

    async def check(update, _):
        await update.pre_checkout_query.answer(ok=True)

    async def paid(update, context):
        charge = update.message.successful_payment.telegram_payment_charge_id
        await context.bot.refund_star_payment(update.effective_user.id, charge)

    async def refunded(update, _):
        await back.put(update.message.refunded_payment.telegram_payment_charge_id)

    handlers = PreCheckoutQueryHandler(check), MessageHandler(filters.SUCCESSFUL_PAYMENT, paid), MessageHandler(filters.StatusUpdate.REFUNDED_PAYMENT, refunded)
    async with running(new_app(*handlers)) as bot:
        prices = [LabeledPrice("A month", person.PRICE)]
        await bot.send_invoice(person.chat(), "A month", "Big files", "month-1", "XTR", prices)
        link = await bot.create_invoice_link("A month", "Big files", "month-2", "XTR", prices)
        charges = await person.pays(link)
        refunds = [await within(back.get()) for _ in charges]
        transactions = (await bot.get_star_transactions()).transactions
        balance = (await bot.get_my_star_balance()).amount
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
    chosen = asyncio.Queue()

    async def asked(update, _):
        content = InputTextMessageContent(f"*{update.inline_query.query}*", parse_mode=ParseMode.MARKDOWN_V2)
        article = InlineQueryResultArticle("1", "An article", content, reply_markup=KEYS)
        await update.inline_query.answer([article], cache_time=0, is_personal=True)

    async def taken(update, context):
        result = update.chosen_inline_result
        await context.bot.edit_message_text("changed", inline_message_id=result.inline_message_id)
        await chosen.put(result.result_id)

    async with running(new_app(InlineQueryHandler(asked), ChosenInlineResultHandler(taken))):
        seen = await person.asks_and_chooses()
        result = await within(chosen.get())
    return {**seen, "chosen": result}


run({"polls": polls, "hooked": hooked, "pays": pays, "inline": inline})
