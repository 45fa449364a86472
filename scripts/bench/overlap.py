"""How much longer than the line needs a film takes from its link to the chat, when site and account have the same line.

In: R bytes a second from the site, and as much for the account over connections that have an eighth each, with a delay. Out: wall time over
size / R: 1 is a perfect overlap, 2 is one after the other. Must not: count the making of the films.
"""

import person
from films import MB
from stage import Stage

R = 20 * MB
CONNECTIONS = 8
DELAY_MS = 60


def measure(arguments, films, home, say):
    film, apart = films.progressive(arguments.mb), films.apart(arguments.mb)
    figures = {}
    for name, settings, cases in (
        ("with", "", {"overlap_progressive": "film.mp4?1", "overlap_merged": "apart/film.mpd"}),
        ("without", "[upload]\noverlap = false\n", {"sequential": "film.mp4?2"}),
    ):
        folder = home / name
        (folder / "site").mkdir(parents=True)
        (folder / "site" / "film.mp4").hardlink_to(film)
        (folder / "site" / "apart").mkdir()
        for file in apart.iterdir():
            (folder / "site" / "apart" / file.name).hardlink_to(file)
        stage = Stage(folder, arguments.tgferry, arguments.sandbox, arguments.yt_dlp, say, settings, ["--bytes-per-second", R])
        try:
            stage.start()
            person.network(stage, account_bytes_per_s=R, connection_bytes_per_s=R // CONNECTIONS, delay_ms=DELAY_MS)
            stage.start_daemon()
            for figure, path in cases.items():
                seconds, message = person.carried(stage, f"{stage.site_url}/{path}", 60 + 6 * arguments.mb * MB / R)
                size = message["media"]["size"]
                person.must(message["media"]["lane"] == "mtproto", f"{figure}: it came by {message['media']['lane']}")
                figures[figure] = seconds / (film.stat().st_size / R)
                say(f"{figure}: {size / MB:.0f} MB in {seconds:.1f} s, the line needs {size / R:.1f} s")
        finally:
            stage.stop()
    return figures
