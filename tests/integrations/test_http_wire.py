"""What may come over a real wire instead of an answer: each is one named error, and none is a success."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from commerce.errors import IntegrationError, OutcomeUnknown, TemporarilyUnavailable
from integrations.http import ApiClient

Serve = Callable[[socket.socket], None]

NONSENSE = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nconte",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a status that is none": b"HTTP/1.1 OK\r\n\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
    "half a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{",
    "a chunk without a size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n{}\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"x-more: " + b"x" * 1_000_000,
}


@contextmanager
def served(serve: Serve) -> Iterator[tuple[int, list[bytes]]]:
    """A port on which each caller is served so, and what callers said."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def work() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = listening.accept()
                    with caller, suppress(OSError):
                        caller.settimeout(5)
                        heard.append(caller.recv(65_536))
                        serve(caller)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=5)


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize(("method", "error"), [("GET", TemporarilyUnavailable), ("POST", OutcomeUnknown)])
def test_nonsense_instead_of_an_answer_is_no_answer(
    nonsense: bytes, method: str, error: type[IntegrationError]
) -> None:
    # given a vendor, or something before it, that takes a call and sends nonsense
    with served(lambda caller: caller.sendall(nonsense)) as (port, heard):
        client = ApiClient(vendor="acme", base_url=f"http://127.0.0.1:{port}", tries=1, timeout=5.0)
        # when it is called, then a read is as if nothing had happened, and a write is in doubt
        with pytest.raises(error, match="acme: no answer to"):
            client.request(method, "/orders")
        client.close()
    assert len(heard) == 1


def test_where_no_tls_is_spoken_nothing_is_said() -> None:
    # given a port that speaks plain HTTP
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    with served(lambda caller: caller.sendall(answer)) as (port, heard):
        client = ApiClient(vendor="acme", base_url=f"https://127.0.0.1:{port}", tries=1, timeout=5.0)
        # when something is written there, then it surely was not applied
        with pytest.raises(TemporarilyUnavailable, match="cannot be reached"):
            client.request("POST", "/orders", json={"secret": "order"})
        client.close()
    assert all(b"secret" not in one for one in heard)


def test_whoever_cannot_prove_to_be_the_vendor_hears_nothing(tmp_path: Path) -> None:
    # given somebody with a certificate of his own making
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def work() -> None:
            caller, _ = listening.accept()
            with caller, suppress(OSError), context.wrap_socket(caller, server_side=True) as secure:
                said.append(secure.recv(65_536))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        client = ApiClient(vendor="acme", base_url=f"https://127.0.0.1:{listening.getsockname()[1]}", tries=1)
        # when something is written there, then the connection ends before anything was said
        with pytest.raises(TemporarilyUnavailable, match="cannot be reached"):
            client.request("POST", "/orders", json={"secret": "order"})
        client.close()
        thread.join(timeout=5)
    assert said in ([], [b""])


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "vendor.pem"
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + secret)
    return file
