"""What an FTP server answered, without its words: they repeat paths, names and logins."""

from __future__ import annotations

# RFC 959 and RFC 4217.
_MEANINGS = {
    "421": "the server closes the connection, or has too many",
    "425": "no data connection",
    "426": "the transfer was broken off",
    "430": "the login is refused",
    "450": "the file is not available now",
    "451": "an error inside the server",
    "452": "the disk is full",
    "500": "the server does not know the command",
    "501": "the server does not accept the command's argument",
    "502": "the server does not offer the command",
    "503": "the command came in the wrong order",
    "504": "the server does not offer this form of the command",
    "521": "the data connection must be encrypted",
    "522": "the data connection must be encrypted",
    "530": "the login is refused",
    "532": "an account is needed",
    "534": "refused by policy",
    "550": "not found, or not permitted",
    "552": "the space is used up",
    "553": "the name is not permitted",
}
_MISSING = (
    "no such",
    "not found",
    "not exist",
    "cannot find",
    "not retrievable",
    "찾을 수 없",
    "존재하지",
    "없는 파일",
    "없습니다",
)
_TLS = ("tls", "ssl", "auth required")


def describe(reply: object) -> str:
    """Return a reply as `530 (the login is refused)`: its code and what the code means."""
    text = str(reply)
    code = text[:3]
    if not code.isdecimal():
        return "an answer that is no reply of FTP"
    if code[0] == "5" and any(word in text.lower() for word in _TLS):
        return f"{code} (the server demands TLS: set secure in FTP_CONFIG)"
    return f"{code} ({_MEANINGS[code]})" if code in _MEANINGS else code


def says_missing(reply: object) -> bool:
    """Return whether a 550 means "no such file"; it also means "no permission"."""
    text = str(reply)
    return text[:3] == "550" and any(words in text.lower() for words in _MISSING)
