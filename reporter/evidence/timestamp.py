"""RFC 3161: a query for a time stamp over a signature, and what an answer says. Its own signature is checked by `openssl ts -verify`.

https://www.rfc-editor.org/rfc/rfc3161#section-2.4 (DER; only what these few fields need is read)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_INTEGER, _OCTETS, _OID, _TIME, _SEQUENCE = 0x02, 0x04, 0x06, 0x18, 0x30
_SHA256 = bytes.fromhex("0609608648016503040201")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_GRANTED = (0, 1)


@dataclass(frozen=True)
class Stamp:
    """`imprint`: SHA-256 of what was stamped; `nonce`: the query's, or None."""

    imprint: bytes
    at: datetime
    nonce: int | None


def query(imprint: bytes, nonce: int) -> bytes:
    """A query for a stamp over a SHA-256 that comes with the authority's certificate."""
    hashed = _made(_SEQUENCE, _made(_SEQUENCE, _SHA256 + b"\x05\x00") + _made(_OCTETS, imprint))
    number = nonce.to_bytes(nonce.bit_length() // 8 + 1, "big")
    return _made(_SEQUENCE, _made(_INTEGER, b"\x01") + hashed + _made(_INTEGER, number) + b"\x01\x01\xff")


def read(answer: bytes) -> Stamp:
    """What a TimeStampResp says. Raises ValueError for a refusal, or another text than that."""
    try:
        response = list(_parts(_only(answer, _SEQUENCE)))
        status = int.from_bytes(next(_parts(response[0][1]))[1], "big")
        if status not in _GRANTED:
            raise ValueError(f"the authority refuses: status {status}")
        signed_data = _only(list(_parts(response[1][1]))[1][1], _SEQUENCE)
        encapsulated = list(_parts(list(_parts(signed_data))[2][1]))
        if encapsulated[0] != (_OID, _TST_INFO):
            raise ValueError("it holds no time stamp")
        info = list(_parts(_only(_only(encapsulated[1][1], _OCTETS), _SEQUENCE)))
        algorithm, imprint = _parts(info[2][1])
        if not algorithm[1].startswith(_SHA256) or imprint[0] != _OCTETS or info[4][0] != _TIME:
            raise ValueError("it is over another hash than SHA-256")
        nonce = next((int.from_bytes(value, "big") for tag, value in info[5:] if tag == _INTEGER), None)
        at = datetime.strptime(info[4][1].decode("ascii").split(".")[0].rstrip("Z"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return Stamp(imprint[1], at, nonce)
    except (IndexError, StopIteration) as error:
        raise ValueError("it is no time stamp in DER") from error


def _made(tag: int, content: bytes) -> bytes:
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _only(data: bytes, tag: int) -> bytes:
    found = next(_parts(data))
    if found[0] != tag:
        raise ValueError("it is no time stamp in DER")
    return found[1]


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of each element, one after the other."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length >= 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if at + length > len(data):
            raise ValueError("it ends too early")
        yield tag, data[at : at + length]
        at += length
