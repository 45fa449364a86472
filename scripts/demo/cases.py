"""What the demo's person does, and what must have come of it.

In: a chat, the site, the folder that the daemon works in. Out: for each case the facts that go into the result; a Failed that says what is wrong.
Must not: start or end programs, or look into the daemon. Wording is not looked at, except that a cancelled job is called
cancelled or stopped.
"""

import pathlib
import re
import time

import chat as chats
import media
from processes import Failed

BOT_API_LIMIT_BYTES = 50 * media.MIB
LANES = {"bot_api": "bot_api", "mtproto": "user_account"}
CARD_WITHIN_S = 60
CANCELLED_WITHIN_S = 5
# Bot API, "Sending files": thumbnails are at most 200 kB and 320 pixels a side.
THUMBNAIL_BYTES, THUMBNAIL_SIDE = 200_000, 320


class Cases:
    """The cases, in the order in which they are played. `media_within_s` is how long a file may take to arrive."""

    def __init__(self, chat, site_url, root: pathlib.Path, work_dir: pathlib.Path, received: pathlib.Path, media_within_s):
        self._chat = chat
        self._site_url = site_url
        self._root = root
        self._work_dir = work_dir
        self._received = received
        self._media_within_s = media_within_s

    def all(self):
        return [
            ("small", self.small),
            ("big", self.big),
            ("audio", self.audio),
            ("hls", self.hls),
            ("page", self.page),
            ("subtitles", self.subtitles),
            ("repeat", self.repeat),
            ("cancel", self.cancel),
        ]

    def small(self):
        return self._video("/small.mp4", self._root / "small.mp4", "small")

    def big(self):
        facts = self._video("/big.mp4", self._root / "big.mp4", "big", compare=media.packets_hash)
        must(facts["lane"] == "user_account", f"the file of {facts['bytes']} bytes came by {facts['lane']}, not through the user account")
        return facts

    def hls(self):
        return self._video("/hls/master.m3u8", self._root / "hls-source.mp4", "hls")

    def page(self):
        return self._video("/page/", self._root / "pier.mp4", "page")

    def subtitles(self):
        began = time.monotonic()
        asked = self._chat.send(self._site_url + "/page/")
        for label in ("with subtitles", "Deutsch"):
            self._press_on_card(asked, label)
        message = self._choose_and_wait(asked, "switch on", "video")
        seconds = time.monotonic() - began
        file = self._download(message, "subtitles.mp4")
        must(media.SUBTITLES["de"] in media.subtitles(file), "the subtitles are not in it")
        must(media.pictures_hash(file) == media.pictures_hash(self._root / "pier.mp4"), "the pictures are not those of the source")
        return self._facts(message["media"], seconds)

    def audio(self):
        began = time.monotonic()
        asked = self._chat.send(self._site_url + "/song.mp4")
        message = self._choose_and_wait(asked, "Audio", "audio")
        seconds = time.monotonic() - began
        shown, file = message["media"], self._download(message, "audio.m4a")
        found, source = media.facts(file), media.facts(self._root / "song.mp4")
        must(shown["kind"] == "audio", f"it came as {shown['kind']}")
        must(found.audio_codec == "aac" and found.video_codec is None, f"the file holds {found.video_codec} and {found.audio_codec}, not AAC alone")
        near("duration", shown["duration"], source.duration)
        near("duration of the file", found.duration, source.duration)
        must(media.TITLE in (shown.get("title") or ""), f"the title is {shown.get('title')!r}, not {media.TITLE!r}")
        must(found.has_cover or shown.get("thumb"), "it has no cover")
        return self._facts(shown, seconds) | {"title": shown["title"]}

    def repeat(self):
        fetched, uploaded = self._fetched_bytes(), self._uploaded_parts()
        began = time.monotonic()
        asked = self._chat.send(self._site_url + "/big.mp4")
        message = self._choose_and_wait(asked, "Video", "video")
        seconds = time.monotonic() - began
        fetched, uploaded = self._fetched_bytes() - fetched, self._uploaded_parts() - uploaded
        must(fetched == 0, f"{fetched} bytes were fetched again")
        must(uploaded == 0, f"{uploaded} parts were uploaded again")
        before = [other for other in self._chat.messages() if other["message_id"] < asked and other.get("media")]
        must(message["media"]["sha256"] in [other["media"]["sha256"] for other in before], "it is another file than the first time")
        return self._facts(message["media"], seconds) | {"fetched_bytes": fetched, "uploaded_parts": uploaded}

    def cancel(self):
        path = "/slow/endless.mp4"
        began = time.monotonic()
        asked = self._chat.send(self._site_url + path)
        self._press_on_card(asked, "Video")
        status = self._chat.wait_for("a status message with a cancel button", lambda messages: status_of(messages, asked), CARD_WITHIN_S)
        self._wait("the download to be under way", lambda: self._site()["bytes"].get(path, 0) > media.MIB and self._files_left() > 0, CARD_WITHIN_S)
        pressed = time.monotonic()
        self._chat.press(status, "Cancel")
        self._chat.wait_for("a status that says cancelled", lambda messages: cancelled(messages, asked), CANCELLED_WITHIN_S)
        took = time.monotonic() - pressed
        self._wait("the download to be closed", lambda: path not in self._site()["open"], CANCELLED_WITHIN_S)
        self._wait("the temporary files to be gone", lambda: self._files_left() == 0, CANCELLED_WITHIN_S)
        arrived = [message for message in self._chat.messages() if message["message_id"] > asked and is_file(message)]
        must(not arrived, "a file came all the same")
        return {"seconds": time.monotonic() - began, "seconds_to_cancel": took, "files_left": self._files_left()}

    def _video(self, link, source_file, name, compare=media.pictures_hash):
        began = time.monotonic()
        asked = self._chat.send(self._site_url + link)
        message = self._choose_and_wait(asked, "Video", "video")
        seconds = time.monotonic() - began
        shown, file = message["media"], self._download(message, f"{name}.mp4")
        found, source = media.facts(file), media.facts(source_file)
        must(shown["kind"] == "video", f"it came as {shown['kind']}")
        must(shown.get("supports_streaming") is True, "it is not marked as streamable")
        must((shown["width"], shown["height"]) == (source.width, source.height), f"it shows as {shown['width']}x{shown['height']}")
        near("duration", shown["duration"], source.duration)
        near("duration of the file", found.duration, source.duration)
        must((found.video_codec, found.audio_codec) == ("h264", "aac"), f"the file holds {found.video_codec} and {found.audio_codec}")
        must(media.index_in_front(file), "the index is not in front")
        must(compare(file) == compare(source_file), "the pictures are not those of the source")
        check_thumbnail(shown.get("thumb"))
        must((shown.get("file_name") or "").endswith(".mp4"), f"the file is called {shown.get('file_name')!r}")
        expected = "bot_api" if found.size <= BOT_API_LIMIT_BYTES else "user_account"
        facts = self._facts(shown, seconds)
        must(facts["lane"] == expected, f"{found.size} bytes came by {facts['lane']}, not by {expected}")
        return facts | {"same_bytes": shown["sha256"] == media.sha256(source_file)}

    def _choose_and_wait(self, asked, label, kind):
        """From a sent link to the message with the file; then the status must go."""
        self._press_on_card(asked, label)

        def arrived(messages):
            return next((message for message in messages if message["message_id"] > asked and is_file(message)), None)

        message = self._chat.wait_for(f"the {kind}", arrived, self._media_within_s)
        self._chat.wait_for("the status to go", lambda messages: None if status_of(messages, asked) else True, CARD_WITHIN_S)
        return message

    def _press_on_card(self, asked, label):
        def card(messages):
            after = (message for message in messages if message["message_id"] > asked and message["from_bot"])
            return next((message for message in after if chats.button_of(message, label)), None)

        self._chat.press(self._chat.wait_for(f"a card with the button {label}", card, CARD_WITHIN_S), label)

    def _download(self, message, name):
        file = self._received / name
        self._chat.download(message, file)
        shown = message["media"]
        must(file.stat().st_size == shown["size"], f"{file.stat().st_size} bytes came, {shown['size']} were announced")
        must(media.sha256(file) == shown["sha256"], "the bytes are not those that the sandbox stored")
        return file

    def _facts(self, shown, seconds):
        must(shown["lane"] in LANES, f"unknown lane {shown['lane']}")
        return {
            "lane": LANES[shown["lane"]],
            "seconds": seconds,
            "bytes": shown["size"],
            "duration": shown["duration"],
        }

    def _site(self):
        return chats.call(self._site_url + "/_counters")

    def _fetched_bytes(self):
        return sum(self._site()["bytes"].values())

    def _uploaded_parts(self):
        return self._chat.counters()["uploaded_parts"]

    def _files_left(self):
        return sum(1 for path in self._work_dir.rglob("*") if path.is_file())

    def _wait(self, what, true, within_s):
        deadline = time.monotonic() + within_s
        while not true():
            if time.monotonic() > deadline:
                raise Failed(f"waited {within_s} s for {what}")
            time.sleep(0.05)


def is_file(message):
    """True for a message that brings a file; a card may have a picture."""
    kind = (message.get("media") or {}).get("kind")
    return message["from_bot"] and kind in ("video", "audio", "document", "animation", "voice")


def status_of(messages, asked):
    """The message about running work: it can be cancelled, and no choice is left."""
    after = (message for message in messages if message["message_id"] > asked and message["from_bot"])
    return next((message for message in after if chats.button_of(message, "Cancel") and not chats.button_of(message, "Video")), None)


def cancelled(messages, asked):
    after = (message for message in messages if message["message_id"] > asked and message["from_bot"])
    said = (message for message in after if re.search("cancel|stopped", chats.text_of(message), re.IGNORECASE))
    return next((message for message in said if not chats.buttons_of(message)), None)


def check_thumbnail(thumb):
    must(thumb, "it has no thumbnail")
    must(0 < thumb["size"] <= THUMBNAIL_BYTES, f"the thumbnail has {thumb['size']} bytes")
    must(0 < max(thumb["width"], thumb["height"]) <= THUMBNAIL_SIDE, f"the thumbnail is {thumb['width']}x{thumb['height']}")


def must(true, otherwise):
    if not true:
        raise Failed(otherwise)


def near(what, found, expected, within=1.0):
    must(found is not None and abs(found - expected) <= within, f"{what}: {found}, not {expected:.1f}")
