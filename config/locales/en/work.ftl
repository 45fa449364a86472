# The card before the work, and the one message that shows how far it is.

card-choose = How would you like it?
card-choose-large = One message can't hold all of this. I can make it smaller (<b>Video</b>), or send it as it is in several pieces that each play. How would you like it?

step-waiting = ⏳ In the queue
step-inspecting = 🔎 Reading what is there
step-fetching = ⬇️ Downloading
step-remuxing = 🎞 Preparing
step-transcoding = 🎞 Converting, so that it plays everywhere
step-compressing = 🗜 Compressing, so that it can be sent
step-splitting = ✂️ Cutting it into pieces that can be sent
step-uploading = ⬆️ Uploading to Telegram
step-delivering = 📨 Bringing it to you
step-paused = ⏸ Telegram asks for a pause of { $pause }. I go on by myself.

progress-of = { $done } of { $total }
progress-piece = piece { $number } of { $count }
progress-left = { $time } left

failed-title = ⚠️ <b>{ $title }</b>

later-site = 🔁 The site does not answer. I try again by myself in { $pause }.
later-disk-full = 🔁 I have no room left at the moment. I try again by myself in { $pause }.
later-telegram = 🔁 Telegram did not take it. I try again by myself in { $pause }.
later-flood-wait = ⏸ Telegram asks me to slow down. I go on by myself in { $pause }.
later-other = 🔁 Something did not work. I try again by myself in { $pause }.

subtitles-file = 💬 { $title }: subtitles in { $language }
subtitles-missing = ⚠️ The subtitles in { $language } could not be had: the site does not hand them out, or they are damaged, so the video comes without them. Send the link again later, or choose another language.
