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
    request = json.dumps({"environment": dict(os.environ), "directory": os.getcwd()}).encode() + b"\n"
    streams = array.array("i", [1, 2])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: connection.send(bytes([got])))
    sent = connection.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    connection.sendall(request[sent:])
    answer = b""
    while not answer.endswith(b"\n"):
        part = connection.recv(64)
        if not part:
            return 1
        answer += part
    code = int(answer)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
