"""Who sent a webhook: published vectors, every flipped byte, rotated secrets, and nothing signed by nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from integrations.shopify.granting import signed as signed_by_browser
from integrations.signing import signed_base64, signed_hex, signed_rsa
from tests.constant_time import compared

# Shopify's own vector: https://github.com/Shopify/shopify_app, and its documentation of webhooks.
SECRET = "hush-hush"
BODY = b'{"id":820982911946154508,"name":"#1001","total_price":"199.65"}'
SIGNATURE = "NExqhT16XXwluit6zda5Yz7Et0dxf5Laib4EK+XGSjc="
HEX = base64.b64decode(SIGNATURE).hex()


def test_the_published_vector_is_accepted() -> None:
    assert signed_base64([SECRET], BODY, SIGNATURE)
    assert signed_hex([SECRET], BODY, HEX)


def test_prefix_case_and_white_space_around_are_not_the_signature() -> None:
    assert signed_hex([SECRET], BODY, f"sha256={HEX}")
    assert signed_hex([SECRET], BODY, HEX.upper())
    assert signed_base64([SECRET], BODY, f" {SIGNATURE}\n")


@pytest.mark.parametrize("at", range(len(BODY)))
def test_each_flipped_byte_of_the_body_is_noticed(at: int) -> None:
    forged = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
    assert not signed_base64([SECRET], forged, SIGNATURE)
    assert not signed_hex([SECRET], forged, HEX)


@pytest.mark.parametrize("at", range(len(SIGNATURE)))
def test_each_flipped_byte_of_the_signature_is_noticed(at: int) -> None:
    forged = SIGNATURE[:at] + chr(ord(SIGNATURE[at]) ^ 1) + SIGNATURE[at + 1 :]
    assert not signed_base64([SECRET], BODY, forged)


@pytest.mark.parametrize("at", range(len(HEX)))
def test_each_flipped_digit_of_the_signature_is_noticed(at: int) -> None:
    other = "0" if HEX[at] != "0" else "1"
    assert not signed_hex([SECRET], BODY, HEX[:at] + other + HEX[at + 1 :])


def test_both_secrets_are_good_while_one_is_replaced() -> None:
    assert signed_base64(["the-new-one", SECRET], BODY, SIGNATURE)
    assert signed_base64([SECRET, "the-new-one"], BODY, SIGNATURE)
    assert not signed_base64(["the-new-one", "the-next"], BODY, SIGNATURE)
    assert signed_hex(["the-new-one", SECRET], BODY, HEX)


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_an_empty_secret_signs_nothing(secrets: list[str]) -> None:
    # given somebody who knows that no secret was set
    mac = hmac.new(b"", BODY, hashlib.sha256).digest()
    # when he signs with the empty one, then he is refused
    assert not signed_base64(secrets, BODY, base64.b64encode(mac).decode())
    assert not signed_hex(secrets, BODY, mac.hex())


@pytest.mark.parametrize("at", [0, 1])
def test_an_empty_secret_beside_a_good_one_signs_nothing_either(at: int) -> None:
    mac = hmac.new(b"", BODY, hashlib.sha256).digest()
    secrets = [SECRET]
    secrets.insert(at, "")
    assert not signed_base64(secrets, BODY, base64.b64encode(mac).decode())
    assert signed_base64(secrets, BODY, SIGNATURE)


ODD = ["", " ", "=", SIGNATURE[:-1], SIGNATURE + "A", SIGNATURE * 1000, "é" * 44, "\udcff", "\x00", "sha256=", "💥"]


@pytest.mark.parametrize("odd", ODD)
def test_odd_signatures_are_refused_and_break_nothing(odd: str) -> None:
    assert not signed_base64([SECRET], BODY, odd)
    assert not signed_hex([SECRET], BODY, odd)
    assert not signed_hex([SECRET], BODY, HEX[:-2] + odd)


def test_a_body_that_is_no_text_can_be_signed() -> None:
    body = bytes(range(256))
    mac = hmac.new("schlüssel".encode(), body, hashlib.sha256).digest()
    assert signed_base64(["schlüssel"], body, base64.b64encode(mac).decode())


# ---- RSA ----


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def signature(private_key: rsa.RSAPrivateKey) -> bytes:
    return private_key.sign(BODY, padding.PKCS1v15(), hashes.SHA256())


def test_a_good_rsa_signature_is_accepted_in_both_alphabets(private_key: rsa.RSAPrivateKey, signature: bytes) -> None:
    key = private_key.public_key()
    assert signed_rsa(key, BODY, base64.b64encode(signature).decode())
    assert signed_rsa(key, BODY, base64.urlsafe_b64encode(signature).decode())
    assert signed_rsa(key, BODY, base64.urlsafe_b64encode(signature).decode().rstrip("="))


def test_what_differs_by_one_bit_is_refused(private_key: rsa.RSAPrivateKey, signature: bytes) -> None:
    key = private_key.public_key()
    good = base64.b64encode(signature).decode()
    for at in range(len(BODY)):
        assert not signed_rsa(key, BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :], good)
    for at in range(0, len(signature), 8):
        forged = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        assert not signed_rsa(key, BODY, base64.b64encode(forged).decode())


def test_anothers_key_and_another_scheme_are_refused(private_key: rsa.RSAPrivateKey) -> None:
    key = private_key.public_key()
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    for forged in (
        stranger.sign(BODY, padding.PKCS1v15(), hashes.SHA256()),
        private_key.sign(BODY, padding.PKCS1v15(), hashes.SHA1()),
        private_key.sign(BODY, salted, hashes.SHA256()),
    ):
        assert not signed_rsa(key, BODY, base64.b64encode(forged).decode())


@pytest.mark.parametrize("odd", [*ODD, "A", "not base64!", "AAAA" * 10_000])
def test_odd_rsa_signatures_are_refused_and_break_nothing(private_key: rsa.RSAPrivateKey, odd: str) -> None:
    assert not signed_rsa(private_key.public_key(), BODY, odd)


def test_every_secret_is_compared_in_constant_time_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a count of comparisons that do not end at the first byte that differs
    pairs = compared(monkeypatch)
    mac = hmac.new(b"first", b"body", hashlib.sha256)
    written = {signed_base64: base64.b64encode(mac.digest()).decode(), signed_hex: mac.hexdigest()}
    # then the work is the same whether the first, the second or none of two secrets fits
    for signed, good in written.items():
        for secrets, fits in ((["first", "x"], True), (["x", "first"], True), (["x", "y"], False)):
            pairs.clear()
            assert signed(secrets, b"body", good) is fits
            assert [given for _, given in pairs] == [good.encode()] * 2


@pytest.mark.parametrize("good", [True, False])
def test_the_answer_of_a_browser_to_shopify_is_compared_in_constant_time(
    good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = compared(monkeypatch)
    mac = hmac.new(b"secret", b"code=c&state=s", hashlib.sha256).hexdigest() if good else "0" * 64
    assert signed_by_browser("secret", {"code": "c", "state": "s", "hmac": mac}) is good
    assert [given for _, given in pairs] == [mac.encode()] * 2
