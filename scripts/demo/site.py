"""A small web site for the demo: serves a folder, with byte ranges, on the loopback interface.

In: a folder. Out: files under /, the same files slowly under /slow/, and what was asked for so far under /_counters.
Prints one JSON line {"url": "http://127.0.0.1:PORT"} when it is ready; ends on SIGTERM or SIGINT.
Must not: listen anywhere but on 127.0.0.1, or serve anything outside the folder.
"""

import argparse
import collections
import email.utils
import json
import pathlib
import re
import signal
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK_BYTES = 64 * 1024
SLOW_BYTES_PER_SECOND = 384 * 1024
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".m4a": "audio/mp4",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".mpd": "application/dash+xml",
    ".ts": "video/mp2t",
    ".vtt": "text/vtt; charset=utf-8",
}


class Counters:
    """Requests, bytes of bodies, and answers under way, by path."""

    def __init__(self):
        self._lock = threading.Lock()
        self._requests = collections.Counter()
        self._bytes = collections.Counter()
        self._open = collections.Counter()

    def begin(self, path):
        with self._lock:
            self._requests[path] += 1
            self._open[path] += 1

    def sent(self, path, count):
        with self._lock:
            self._bytes[path] += count

    def end(self, path):
        with self._lock:
            self._open[path] -= 1

    def as_json(self):
        with self._lock:
            return {
                "requests": dict(self._requests),
                "bytes": dict(self._bytes),
                "open": {path: count for path, count in self._open.items() if count},
            }


class Line:
    """A line of so many bytes a second that all answers share; None has no limit."""

    def __init__(self, bytes_per_second):
        self._lock = threading.Lock()
        self._rate = bytes_per_second
        self._free_at = 0.0

    def take(self, count):
        """Waits until so many bytes have gone over the line."""
        if self._rate is None:
            return
        with self._lock:
            # Time that nobody used is lost, but for the moment that a sleep oversleeps.
            self._free_at = max(self._free_at, time.monotonic() - 0.05) + count / self._rate
            wait = self._free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)


class Server(ThreadingHTTPServer):
    """One thread for each connection; none of them holds up the end."""

    daemon_threads = True

    def __init__(self, address, root, line):
        super().__init__(address, Handler)
        self.line = line
        self.root = root
        self.counters = Counters()

    def handle_error(self, request, client_address):
        # Who cancels a download closes the connection: that is no error of ours.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "demo-site"

    def do_GET(self):
        self._answer(with_body=True)

    def do_HEAD(self):
        self._answer(with_body=False)

    def log_message(self, format, *args):
        sys.stderr.write("site: %s\n" % (format % args))

    def _answer(self, with_body):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        if path == "/_counters":
            self._send_json(self.server.counters.as_json())
            return
        slow = path.startswith("/slow/")
        file = self._find(path.removeprefix("/slow") if slow else path)
        if file is None:
            self._send_empty(404)
            return
        self.server.counters.begin(path)
        try:
            self._send_file(path, file, slow, with_body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.server.counters.end(path)

    def _find(self, path):
        file = (self.server.root / path.lstrip("/")).resolve()
        if file.is_dir():
            file = file / "index.html"
        inside = self.server.root in file.parents
        return file if inside and file.is_file() else None

    def _send_file(self, path, file, slow, with_body):
        size = file.stat().st_size
        span = byte_range(self.headers.get("Range"), size)
        if span is None:
            self._send_empty(416, {"Content-Range": f"bytes */{size}"})
            return
        first, last, partial = span
        self.send_response(206 if partial else 200)
        self.send_header("Content-Type", TYPES.get(file.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", email.utils.formatdate(file.stat().st_mtime, usegmt=True))
        self.send_header("ETag", f'"{size:x}-{file.stat().st_mtime_ns:x}"')
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if with_body:
            self._send_body(path, file, first, last, slow)

    def _send_body(self, path, file, first, last, slow):
        with file.open("rb") as source:
            source.seek(first)
            left = last - first + 1
            while left > 0:
                block = source.read(min(BLOCK_BYTES, left))
                if not block:
                    break
                self.server.line.take(len(block))
                self.wfile.write(block)
                self.server.counters.sent(path, len(block))
                left -= len(block)
                if slow:
                    time.sleep(len(block) / SLOW_BYTES_PER_SECOND)

    def _send_json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_empty(self, status, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


def byte_range(header, size):
    """The first and last byte to send and whether that is a part; None if the range can't be had.

    What is not one plain range of bytes is ignored, as RFC 9110 (14.2) allows.
    """
    whole = (0, size - 1, False)
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip()) if header else None
    if match is None or match.group(0) == "bytes=-":
        return whole
    first, last = match.groups()
    if first == "":
        length = min(int(last), size)
        return (size - length, size - 1, True) if length else None
    if int(first) >= size or (last and int(last) < int(first)):
        return None
    return (int(first), min(int(last), size - 1) if last else size - 1, True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bytes-per-second", type=int, help="of all answers together; without it there is no limit")
    arguments = parser.parse_args()

    server = Server(("127.0.0.1", arguments.port), arguments.root.resolve(), Line(arguments.bytes_per_second))
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for serve_forever(), which runs in the thread that gets the signal.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_address[1]}"}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
