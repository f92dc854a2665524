"""Secret values: find the known ones, and mask them in every text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import VARIABLES, Settings, dotenv_values_of, environment

MASK = "***"
_PLAIN = frozenset(variable.name for variable in VARIABLES if not variable.secret)
# A token of OAuth, wherever it stands.
_JWT = re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*")
_NAMED = re.compile(r"(?:PASS(?:WORD|WD|PHRASE)?|SECRET|TOKEN|CREDENTIAL|API_?KEY|JAAS)", re.I)
# Unknown secrets in logs: name = value, and user:password@ in an address.
_ASSIGNED = re.compile(
    r"(?i)((?:password|passwd|passphrase|secret|token|api[._-]?key|credential)s?[\w.]{0,40}"
    r"[\"']?\s{0,3}[=:]\s{0,3})(\[hidden\]|null\b|\"(?:[^\"\\\n]|\\.){1,500}\""
    r"|'(?:[^'\\\n]|\\.){1,500}'|[^\s,;\"']{1,500})"
)
_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[^-]{1,20000}(-----END [A-Z ]{0,30}PRIVATE KEY-----)"
)
_IN_ADDRESS = re.compile(r"(://[^\s:/@]{1,200}:)[^\s/@]{1,200}(@)")
_PROPERTY = re.compile(r"^[ \t]*([A-Za-z0-9._-]+)[ \t]*[=:](.*)$", re.MULTILINE)
# Shorter values are masked only as whole words, so that a log stays legible.
_SHORT = 4


def own(settings: Settings) -> frozenset[str]:
    """Return the secret values in the settings, the broker properties and of secured clusters."""
    found = {str(value) for variable, value, _ in settings.entries() if variable.secret and value}
    if settings.token_command and " " not in settings.token_command:
        # Without arguments it is the name of a program, which errors show.
        found.discard(settings.token_command)
    found |= of_properties(settings.broker_properties)
    found |= SecureStore.of(Project(settings.project)).secrets()
    return frozenset(value for value in found if value.strip())


def known(settings: Settings, environ: Mapping[str, str]) -> frozenset[str]:
    """Return the secret values of `own`, and those in the environment and in `.env`, by name."""
    found = set(own(settings))
    for values in (environ, dotenv_values_of(settings.project / ".env")):
        found |= {value for name, value in values.items() if _is_secret(name)}
    return frozenset(value for value in found if value.strip())


def _is_secret(name: str) -> bool:
    """Return whether a variable is secret by its name; settings say it themselves."""
    return bool(_NAMED.search(name)) and name not in _PLAIN


def of_properties(path: Path | None) -> frozenset[str]:
    """Return the secret values in a file of broker properties; none without a file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path else ""
    except OSError:
        return frozenset()
    found: set[str] = set()
    for name, value in _PROPERTY.findall(text):
        if _NAMED.search(name.replace(".", "_")) and value.strip():
            found |= {value.strip(), *re.findall(r'password\s*=\s*"([^"]+)"', value)}
    return frozenset(found)


class Masker:
    """Masks secret values in text, in every form in which programs write them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        long = sorted((f for f in forms if len(f) >= _SHORT), key=len, reverse=True)
        short = sorted(f for f in forms if len(f) < _SHORT)
        parts = [*map(re.escape, long), *(rf"(?<!\w){re.escape(text)}(?!\w)" for text in short)]
        self._known = re.compile("|".join(parts)) if parts else None

    def __call__(self, text: str) -> str:
        """Return the text without secret values, known or apparent."""
        text = _PRIVATE_KEY.sub(rf"\1{MASK}\2", self.sentence(text))
        return _ASSIGNED.sub(lambda match: match[1] + MASK, text)

    def sentence(self, text: str) -> str:
        """Return the text without known secret values; names of passwords stay legible."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _IN_ADDRESS.sub(rf"\1{MASK}\2", _JWT.sub(MASK, text))


def _forms(secret: str) -> set[str]:
    """Return a secret as it is, escaped for JSON, URLs and properties, and in Base64."""
    raw = secret.encode("utf-8", "surrogateescape")
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(raw, safe=""),
        secret.replace("\\", "\\\\"),
    }
    if len(secret) >= _SHORT:
        forms.add(base64.b64encode(raw).decode("ascii").rstrip("="))
    return forms


def mask(error: KafkaTasksError, settings: Settings | None) -> None:
    """Take secret values out of an error: those of the settings, and what looks like one."""
    sentence, line = maskers(settings)
    error.message = sentence(error.message)
    error.cause = sentence(error.cause) if error.cause else None
    error.hint = sentence(error.hint) if error.hint else None
    error.evidence = tuple(map(line, error.evidence))
    error.also_wrong = tuple(map(sentence, error.also_wrong))


def maskers(settings: Settings | None) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Return the mask for sentences of this package, and that for lines of anything else."""
    if settings is None:
        return Masker(()).sentence, Masker(())
    return Masker(own(settings)).sentence, Masker(known(settings, environment()))
