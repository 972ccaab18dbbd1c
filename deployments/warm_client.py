"""Starts one flow run in the warm process, or in the usual way when that is not there. Imports next to nothing.

Run as `python -I -S warm_client.py <socket>` by a process worker, with Prefect's environment for the run.
"""

import array
import json
import os
import signal
import socket
import sys


def main() -> int:
    """The exit code of the run."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(sys.argv[1])
    except OSError:
        os.execv(sys.executable, [sys.executable, "-m", "prefect.engine"])  # noqa: S606
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: send(connection, bytes([got])))
    request = json.dumps({"environment": dict(os.environ), "directory": os.getcwd()}).encode() + b"\n"
    send(connection, request, array.array("i", [1, 2]))
    answer = b""
    while not answer.endswith(b"\n"):
        part = connection.recv(64)
        if not part:
            return 1
        answer += part
    code = int(answer)
    return code if code >= 0 else 128 - code


def send(connection: socket.socket, message: bytes, streams: "array.array[int] | None" = None) -> None:
    """Send all of it. A run may be over before we have done so: what is told of it then is in the answer."""
    handed_over = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)] if streams else []
    try:
        while message:  # sending nothing is an error too, once the other end has hung up
            message = message[connection.sendmsg([message], handed_over) :]
            handed_over = []
    except OSError:
        pass


if __name__ == "__main__":
    sys.exit(main())
