"""Settings of a connection that do not fit together."""

from __future__ import annotations

from kafka_tasks.errors import SettingsError
from kafka_tasks.model.client_names import OAUTHBEARER
from kafka_tasks.settings import contexts
from kafka_tasks.settings.values import Settings
from kafka_tasks.settings.variables import BY_FIELD

_ENDPOINT = "sasl_oauthbearer_token_endpoint_url"
_OF_CLIENT = ("sasl_oauthbearer_client_id", "sasl_oauthbearer_client_secret")
_COMMAND = "token_command"
_ORIGINS = "invoke kafka.config shows where each comes from"


def check(settings: Settings) -> None:
    """Raise `SettingsError` for two sources of the same thing, and for a source that is missing."""
    for fields in contexts.ONE_OF:
        given = [BY_FIELD[name].name for name in fields if getattr(settings, name) is not None]
        if len(given) > 1:
            raise SettingsError(
                f"{' and '.join(given)} are set, but kafka-tasks reads one of them.", hint=_ORIGINS
            )
    if settings.sasl_mechanism == OAUTHBEARER:
        _check_tokens(settings)
        return
    for field in (_ENDPOINT, _COMMAND):
        # Another mechanism would send no token, and say nothing of it.
        if settings.explicit(field) and settings.are_remote:
            mechanism = BY_FIELD["sasl_mechanism"].name
            raise SettingsError(
                f"{BY_FIELD[field].name} is set, but {mechanism} is "
                f"{settings.sasl_mechanism or 'not set'}.",
                hint=f"{mechanism}={OAUTHBEARER}, or remove {BY_FIELD[field].name}; {_ORIGINS}",
            )


def _check_tokens(settings: Settings) -> None:
    """Raise `SettingsError` where nothing gives a token."""
    if settings.token_command is not None:
        return
    printed = settings.remote.commands if settings.remote else {}
    for field in (_ENDPOINT, *_OF_CLIENT):
        if getattr(settings, field) is None and field not in printed:
            missing = BY_FIELD[field]
            raise SettingsError(
                f"{BY_FIELD['sasl_mechanism'].name} is {OAUTHBEARER}, but {missing.name} is not "
                "set.",
                hint=f"{missing.name}=…; or {BY_FIELD[_COMMAND].name} may print a token",
            )
