# What the bot says in a conversation. Texts are Telegram HTML (b, i, a, code); arguments are escaped before they come in.

command-start = What I do
command-help = How to use me, and what I can take
command-status = Your jobs that are not done yet
command-cancel = Stop all your jobs

start =
    <b>Hello! I carry videos and files into Telegram.</b>

    Send me a link: to a video page, or straight to a file. I show you what is there, you choose video or audio, and I bring it here. Big files are fine.

    /help tells more.
help =
    <b>How it works</b>
    1. Send a link. A message may hold up to { $links } of them.
    2. Choose <b>Video</b> or <b>Audio</b> under the card that I send. Where the site has subtitles, you can have them too.
    3. Watch it come, or do something else: I deliver it here.

    <b>Commands</b>
    /status shows your jobs that are not done yet
    /cancel stops all of them (one alone: the button under its message)

    <b>Good to know</b>
    Content that is private, protected or behind a log-in can't be fetched. If something goes wrong, I say what and what you can do.

hint-no-link = I could not find a link in your message. Send me one like <code>https://example.org/video</code>, and I bring what is there.
hint-not-text = I work with links: send me the address of a video or file as a text message.
hint-unknown-command = I don't know that command. /help shows what I can do, or just send me a link.

link-malformed = <code>{ $link }</code> is not a complete address. Copy it again from your browser, with the <code>https://</code> in front.
link-scheme = <code>{ $link }</code> can't be fetched: I only open links that begin with <code>http://</code> or <code>https://</code>.
link-no-host = <code>{ $link }</code> does not say which site it is at. Copy the whole address from your browser.
link-too-long = That link is too long for me to open. Look for a shorter one, for example by the site's <i>Share</i> button.

links-over-limit =
    { $ignored ->
        [one] I took the first { $taken } links and left one out. Send it in another message.
       *[other] I took the first { $taken } links and left { $ignored } out. Send them in another message.
    }
too-many-jobs =
    You may have { $limit } jobs at once, and { $unfinished } of yours are not done yet, so I took none of these links. Wait until some are done, or /cancel what you don't need, and send them again.

button-video = 🎬 Video
button-audio = 🎧 Audio
button-pieces = ✂️ Video in pieces
button-subtitles = 💬 Video with subtitles
button-automatic = { $language } (automatic)
button-page-before = ⬅️ Before
button-page-after = More ➡️
button-back = ↩️ Back
button-way-track = 💬 In the video, to switch on
button-way-burn = 🔤 Burnt into the picture
button-way-file = 📄 As a file beside it
button-cancel = ✖️ Cancel

pressed-queued = I'm on it.
pressed-languages = In which language?
pressed-ways = How would you like them?
pressed-back = How would you like it?
pressed-already-chosen = You have chosen already. It is being worked on.
pressed-gone = This one is over. Send the link again to start anew.
pressed-not-yours = Only the person who sent the link can use this button.
pressed-cancelled = Stopped.
pressed-already-over = There is nothing left to stop.
pressed-unknown = This button no longer works. Send the link again.

status-none = Nothing is under way for you. Send me a link to start something.
status-list =
    { $count ->
        [one] <b>One job is not done yet</b>
       *[other] <b>{ $count } jobs are not done yet</b>
    }
status-line = { $number }. { $title } – { $stage }
status-more = … and { $count } more

stage-inspect = reading what is there
stage-choose = waiting for your choice
stage-fetch = downloading or in the queue for it
stage-media = being prepared
stage-upload = being uploaded
stage-deliver = being delivered
stage-done = done
stage-failed = failed
stage-cancelled = cancelled

cancel-none = Nothing is under way that could be stopped.
cancel-done =
    { $count ->
        [one] Stopped one job.
       *[other] Stopped { $count } jobs.
    }
