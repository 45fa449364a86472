#!/usr/bin/python3
"""A zygote that notes each request in a file beside itself, then has the real program do it.

In: orders, as src/media/zygote.rs describes them; the program's path in place of @PROGRAM@. Out: requests, a line each, in a file of its own name with ".log" behind. Must not: change
what is asked or answered.
"""

import os
import socket
import struct
import sys

orders = socket.socket(fileno=0)
while True:
    message, files, _, _ = socket.recv_fds(orders, 1, 4)
    if not message:
        break
    stdin, stdout, stderr, control = files
    request = b""
    while not request.endswith(b"\n"):
        piece = os.read(stdin, 1 << 16)
        if not piece:
            break
        request += piece
    with open(f"{sys.argv[0]}.log", "ab") as log:
        log.write(request)
    its_stdin, to_stdin = os.pipe()
    os.write(to_stdin, request)
    actions = [(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate((its_stdin, stdout, stderr))]
    process = os.posix_spawn("@PROGRAM@", ["@PROGRAM@", "media-worker"], {}, file_actions=actions)
    for file in (its_stdin, stdout, stderr):
        os.close(file)
    _, status = os.waitpid(process, 0)
    socket.socket(fileno=control).sendall(struct.pack("<i", status))
    os.close(to_stdin)
    os.close(stdin)
