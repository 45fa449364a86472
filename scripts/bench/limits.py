"""What several connections gain on a line that gives each of them little, and what flood waits cost.

In: connections with a cap and a delay; then the same with a wait at every 40th part. Out: the rate over that of all connections; the wall time
over what is implied: the undisturbed time and the waits that one of the connections met. Must not:
leave the start of the program out: it belongs to what a person waits for.
"""

import chat as chats
import person
from films import MB
from stage import Stage

CAP = 20 * MB // 8
CONNECTIONS = 8
DELAY_MS = 60
FLOOD_EVERY, FLOOD_S = 40, 3


def measure(arguments, films, home, say):
    noise = films.noise(arguments.mb)
    (home / "site").mkdir()
    stage = Stage(home, arguments.tgferry, arguments.sandbox, arguments.yt_dlp, say)
    try:
        stage.start()
        person.network(stage, connection_bytes_per_s=CAP, delay_ms=DELAY_MS)
        undisturbed, _ = person.send(stage, noise)
        gain = noise.stat().st_size / undisturbed / (CONNECTIONS * CAP)
        say(f"undisturbed: {undisturbed:.1f} s")
        fault = {"flood_premium_wait": {"seconds": FLOOD_S}}
        chats.call(f"{stage.sandbox['control']}/faults", {"method": "upload.saveBigFilePart", "when": {"every": FLOOD_EVERY}, "fault": fault})
        chats.call(f"{stage.sandbox['control']}/counters/reset", {})
        disturbed, _ = person.send(stage, noise)
        calls = stage.chat.counters()["mtproto"]["upload.saveBigFilePart"]
        waits = calls // FLOOD_EVERY
        implied = undisturbed + waits * FLOOD_S / CONNECTIONS
        say(f"with {waits} waits of {FLOOD_S} s: {disturbed:.1f} s, implied {implied:.1f} s")
        return {"connections_gain": gain, "flood_wall_vs_implied": disturbed / implied}
    finally:
        stage.stop()
