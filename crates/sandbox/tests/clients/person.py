"""What the person does while a bot library of somebody else answers: through the control API, the same steps for every library.

Out: what the person was told, for the test to compare. The steps wait for what they need; nothing here sleeps.
"""

from facts import FACTS, control

ANN = {"user": "ann"}
CONTENT = b"the same bytes, up and down " * 40_000
PRICE = 70


async def talks():
    """Starts the bot by a link and presses the button that it shows."""
    await control("open", {**ANN, "link": "https://t.me/ferry_bot?start=job-7"})
    pressed = await control("press", {**ANN, "label": "Video"})
    return {"answer": pressed["answer"]["text"]}


async def pays(link):
    """Pays the invoice in the chat, and the one behind the link."""
    await control("stars", {**ANN, "stars": 1000})
    receipts = [await control("pay", {**ANN, "title": "A month"}), await control("pay", {**ANN, "link": link})]
    return [receipt["charge_id"] for receipt in receipts]


async def asks_and_chooses():
    """Asks the bot by its name and sends its first result."""
    results = await control("inline", {**ANN, "query": "cats"})
    sent = await control("inline/choose", {**ANN, "query_id": results["query_id"], "result_id": results["results"][0]["id"]})
    return {"titles": [result["title"] for result in results["results"]], "sent": sent["message_id"]}


async def lets_it_be_asked():
    """What the bot's owner tells @BotFather."""
    await control("bots", {"inline_mode": True, "inline_feedback": True})


def chat():
    return FACTS["person"]["id"]
