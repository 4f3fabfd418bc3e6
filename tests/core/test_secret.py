from __future__ import annotations

from reporter.core.secret import remember, veiled


def test_a_known_secret_stands_in_no_text() -> None:
    assert remember("planted-secret-value") == "planted-secret-value"
    remember("planted-secret-value-two")
    assert veiled("a planted-secret-value-two, b planted-secret-value") == "a [secret], b [secret]"


def test_what_is_too_short_to_be_a_secret_is_left_in_texts() -> None:
    remember("ok")
    assert veiled("it is ok") == "it is ok"
