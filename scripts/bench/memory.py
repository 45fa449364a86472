"""The memory that the daemon needs, and that it does not depend on the size of the file.

In: films of 100 MB and of 2000 MB. Out: VmHWM of a daemon that carried each, in MB (10^6 B), and their ratio. Must not: carry both by one daemon.
"""

import person
from films import MB
from stage import Stage

SMALL_MB, LARGE_MB = 100, 2000


def measure(arguments, films, home, say):
    peaks = {}
    for mb in (SMALL_MB, LARGE_MB):
        folder = home / str(mb)
        (folder / "site").mkdir(parents=True)
        film = films.progressive(mb)
        (folder / "site" / "film.mp4").hardlink_to(film)
        stage = Stage(folder, arguments.tgferry, arguments.sandbox, arguments.yt_dlp, say)
        try:
            stage.start()
            stage.start_daemon()
            seconds, _ = person.carried(stage, f"{stage.site_url}/film.mp4", 120 + mb)
            peaks[mb] = stage.daemon.peak_memory_bytes() / MB
            say(f"{film.stat().st_size / MB:.0f} MB in {seconds:.1f} s: {peaks[mb]:.1f} MB")
        finally:
            stage.stop()
        film.unlink()
    return {"peak_memory_mb": peaks[LARGE_MB], "memory_2gb_vs_100mb": peaks[LARGE_MB] / peaks[SMALL_MB]}
