"""What goes up again after the daemon is killed at 90 %.

In: a film behind a link, on a line of a known rate. Out: bytes that the sandbox got after the restart over the size of the film. Must not: let
the daemon end in order.
"""

import time

import person
from films import MB
from stage import Stage

R = 40 * MB
SHARE = 0.9


def measure(arguments, films, home, say):
    film = films.progressive(arguments.mb)
    (home / "site").mkdir()
    (home / "site" / "film.mp4").hardlink_to(film)
    stage = Stage(home, arguments.tgferry, arguments.sandbox, arguments.yt_dlp, say)
    try:
        stage.start()
        person.network(stage, account_bytes_per_s=R)
        stage.start_daemon()
        asked = person.press(stage, f"{stage.site_url}/film.mp4")
        size = film.stat().st_size
        while stage.chat.counters()["uploaded_bytes"] < SHARE * size:
            stage.check_alive()
            time.sleep(0.01)
        stage.kill_daemon()
        before = stage.chat.counters()["uploaded_bytes"]
        say(f"killed after {before / MB:.0f} of {size / MB:.0f} MB")
        stage.start_daemon()
        stage.chat.wait_for("the film", lambda messages: person.after(messages, asked), 60 + 4 * size / R)
        again = stage.chat.counters()["uploaded_bytes"] - before
        say(f"{again / MB:.1f} MB went up after the restart")
        return {"resent_after_kill": again / size}
    finally:
        stage.stop()
