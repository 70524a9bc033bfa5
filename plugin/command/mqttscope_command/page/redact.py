# redact.py: pseudonyms for what is from the wire.
# SPDX-License-Identifier: GPL-2.0-or-later
"""By the name of the member that a text is in. Those that are known to hold no text of the wire are listed; the text of any other member
is replaced, so that one that is added is not shown by mistake. The key is made for the run and forgotten with it: the same text has the
same pseudonym in one page, and another one in the next."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Any

SAFE = frozenset((
    "type", "rule", "ids", "id", "severity", "side", "sender", "version", "title", "subject", "packet", "role", "connack", "disconnect_by", "state",
    "statement", "reason", "event", "kind", "part", "plugin", "wireshark", "schema", "sha256", "wants", "cause", "mend", "excuse", "partial", "doubt"))
"""Members whose text is ours, or a name of the specification."""
NAMES = frozenset(("client", "client_id", "user_name", "publisher", "subscriber", "missing"))
TOPICS = frozenset(("topic", "filter"))
ADDRESSES = frozenset(("client_address", "broker_address"))
SENTENCES = frozenset(("detail", "ended"))
GONE = "…"
WORDS = frozenset("""
    a absent absence accept acceptable accepted acknowledged acknowledgement after alias all allowed already and answer any are as assigned at
    authentication bad banned be because been before begin begins between binary bit bits broker but by byte bytes cannot captured capture
    changed character characters clean client close closed closes code codes complete completed connect connected connection content control
    continuation copy correlation could count data defined delivered delivery did different disconnect does dup during each earlier empty encoding end
    ended error exceeded exclusive expected expiry false fields file filter filters find first fixed flag flags for forwarded fourth found frame
    frames from full given granted handling has have header held hexadecimal host identifier identifiers if implementation in incomplete information
    invalid is it its keep alive kept known last least length less level levels limit lower malformed many match matches matching maximum may
    message method minimum missing more moved most must name network new no none normal disconnection not nothing null number of offered on one only
    open operation or order other over own packet packets password payload per permitted port position premature previous problem properties property
    protocol publish published qos quota ran rate re read reason receive received refused remaining repeated reply request requested reserved reset
    response restriction retain retained retransmitted same seconds see sent server service session set share shared short should shutting down side
    some specific still string subscribed subscriber subscribers subscription subscriptions success supported taken text than that the then there
    third this time timeout to too topic topics total twice two type unacceptable unacknowledged unavailable unexpected unknown unsent unspecified
    unsubscribe unsupported until unused up use used user username value values version wait was well were when where which while whole wildcard
    wildcards will with within without authorized administrative action authenticate continue
    s ms us mqtt fin rst tcp tls utf auth connack disconnect pingreq pingresp puback pubcomp pubrec pubrel suback subscribe unsuback
    sec websocket""".split())
"""What sentences about a packet may say of themselves."""


class Redactor:
    """The pseudonyms of one run."""

    def __init__(self) -> None:
        self.key = secrets.token_bytes(32)
        self.taken: dict[str, str] = {}
        self.given: set[str] = set()

    def token(self, text: str) -> str:
        """A few letters and digits that stand for a text."""
        if text not in self.taken:
            digest = hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
            letters = base64.b32encode(digest).decode("ascii").lower()
            length = next(size for size in range(6, len(letters)) if letters[:size] not in self.given)
            self.taken[text] = letters[:length]
            self.given.add(letters[:length])
        return self.taken[text]

    def name(self, text: str) -> str:
        """Of a Client Identifier or a user name; names that are ours are kept."""
        if text in ("broker", "?", "(others)", "(all)") or re.fullmatch(r"client:\d{1,5}", text):
            return text
        if text.startswith("broker "):
            return "broker " + self.address(text[7:])
        if re.fullmatch(r"(\d{1,3}(\.\d{1,3}){3}|\[?[0-9a-fA-F:]{2,}\]?):\d{1,5}", text):
            return self.address(text)
        return "name-" + self.token(text)

    def address(self, text: str) -> str:
        """Of a host; its port is kept."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit():
            return "host-" + self.token(text)
        return f"host-{self.token(host)}:{port}"

    def topic(self, text: str) -> str:
        """Of a Topic Name or Topic Filter, level by level."""
        if text == "(others)":
            return text
        return "/".join(self._level(each) for each in text.split("/"))

    def _level(self, level: str) -> str:
        if level in ("", "+", "#", "$share"):
            return level
        return "$" + self.token(level[1:]) if level.startswith("$") else self.token(level)

    def sentence(self, text: str) -> str:
        """A sentence of ours in which there may be words of the wire."""
        text = re.sub(r'"[^"]*"?', GONE, text)
        return re.sub(r"[^\s,;:.()/=]+", lambda match: match[0] if _is_ours(match[0]) else GONE, text)

    def bytes(self, text: str) -> str:
        """Of a packet in hex: its first byte, which is type and flags, and its length are left."""
        length = 1
        while length < 5 and text[2 * length:2 * length + 1] in tuple("89abcdef"):
            length += 1
        return text[:2 * (length + 1)] + "**" * (len(text) // 2 - length - 1)

    def redacted(self, value: Any, member: str = "") -> Any:
        """A value of a member, and all that it holds."""
        if isinstance(value, dict):
            return {name: self.redacted(each, name) for name, each in value.items() if not name.endswith("_hex")}
        if isinstance(value, list):
            return [self.redacted(each, member) for each in value]
        if not isinstance(value, str) or member in SAFE:
            return value
        for members, replace in ((NAMES, self.name), (TOPICS, self.topic), (ADDRESSES, self.address), (SENTENCES, self.sentence)):
            if member in members:
                return replace(value)
        return self.bytes(value) if member == "bytes" else GONE


def _is_ours(word: str) -> bool:
    plain_word = word.strip("'’").removesuffix("'s").lower()
    return bool(re.fullmatch(r"\d{1,10}|0[xb][0-9a-f]{1,8}|u\+[0-9a-f]{4,6}", plain_word)) or all(
        part in WORDS or part.isdigit() for part in plain_word.split("-"))
