"""Model files taken apart and put together again with a right checksum, by another hand than whorl's."""

import hashlib
import json
import re


def parts(data):
    """Header as JSON and body of a file's bytes."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def sealed(header, body):
    """A file of this header (JSON or bytes) and body, whose checksum is right."""
    raw = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    raw = re.sub(rb'"sha256":"[0-9a-f]{64}"', b'"sha256":"' + b"0" * 64 + b'"', raw)
    length = len(raw).to_bytes(8, "little")
    digest = hashlib.sha256(length + raw + body).hexdigest().encode()
    return length + raw.replace(b'"sha256":"' + b"0" * 64 + b'"', b'"sha256":"' + digest + b'"') + body


def section(header, name):
    """One section as JSON."""
    return json.loads(header["__metadata__"][name])


def with_section(header, name, value):
    """The header with one section replaced."""
    text = value if isinstance(value, str) else json.dumps(value)
    return {**header, "__metadata__": {**header["__metadata__"], name: text}}


def with_tensor(header, body, name, dtype, shape, data):
    """Header and body with one more tensor at the end."""
    offsets = [len(body), len(body) + len(data)]
    return {**header, name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}}, body + data
