"""Where the tokens of a cluster come from, asked once for all clients of this process."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable

from kafka_tasks.clients import secret_command
from kafka_tasks.clients.kafka import token, token_refusals
from kafka_tasks.clients.kafka.token import Token
from kafka_tasks.errors import KafkaTasksError, MachineError
from kafka_tasks.model import client_names
from kafka_tasks.model.client_names import EXTENSIONS, MECHANISM, OAUTH, OAUTHBEARER, TOKEN_URL
from kafka_tasks.model.cluster import Cluster

# A token is renewed after this part of its life, as librdkafka does it.
_PART = 0.8


class TokenSource:
    """Gives a token that is valid, and asks for a new one in time; any thread may use it.

    `failure` is why the last attempt gave none.
    """

    def __init__(self, fetch: Callable[[], Token], extensions: str = "") -> None:
        self.extensions = client_names.extensions(extensions)
        self.latest: Token | None = None
        self.failure: KafkaTasksError | None = None
        self._fetch = fetch
        self._lock = threading.Lock()
        self._renew_at = 0.0

    def token(self) -> Token:
        """Return a token; raises `CannotConnect`."""
        with self._lock:
            now = time.time()
            if self.latest is None or now >= self._renew_at:
                found = self._fetched()
                self.latest, self._renew_at = found, now + _PART * (found.ends_s - now)
            return self.latest

    def _fetched(self) -> Token:
        """Return a new token, and keep why there is none: a callback can tell no one."""
        try:
            found = self._fetch()
        except KafkaTasksError as error:
            self.failure = error
            raise
        self.failure = None
        return found

    def for_librdkafka(self, _: str) -> tuple[str, float, str, dict[str, str]]:
        """Return what the `oauth_cb` of confluent-kafka has to."""
        found = self.token()
        return found.value, found.ends_s, found.subject, self.extensions


def of(cluster: Cluster) -> TokenSource | None:
    """Return the source of a cluster's tokens; None where the log-in is another."""
    if cluster.client.get(MECHANISM) != OAUTHBEARER:
        return None
    if cluster.token_command is not None:
        extensions = cluster.client.get(EXTENSIONS, "")
        return _of_command(cluster.token_command, extensions, cluster.token_limit_s)
    client = ((name, value) for name, value in cluster.client.items() if name in OAUTH)
    return _of_endpoint(tuple(client)) if TOKEN_URL in cluster.client else None


@functools.cache
def _of_command(line: str, extensions: str, limit_s: float) -> TokenSource:
    return TokenSource(functools.partial(_printed, line, limit_s), extensions)


@functools.cache
def _of_endpoint(properties: tuple[tuple[str, str], ...]) -> TokenSource:
    # It brings urllib along, which the clients of other clusters start without.
    from kafka_tasks.clients.kafka import token_endpoint

    client = dict(properties)
    fetch = functools.partial(token_endpoint.fetch, client, token_endpoint.ANSWER_S)
    return TokenSource(fetch, client.get(EXTENSIONS, ""))


def _printed(line: str, limit_s: float) -> Token:
    """Return the token that a command prints; raises `CannotConnect`, without the token."""
    try:
        done = secret_command.run(line, limit_s=limit_s, keeps_errors=True)
    except MachineError as error:
        _, _, why = error.message.rstrip(".").partition(" ")
        raise token_refusals.of_command(line, why) from error
    last = [*filter(None, map(str.strip, done.errors.splitlines()))][-1:]
    if done.code:
        raise token_refusals.of_command(line, f"failed with exit code {done.code}", last)
    try:
        found = token.read(done.output)
    except ValueError as error:
        raise token_refusals.of_command(line, f"printed {error}", last) from error
    if found.has_expired:
        raise token_refusals.expired("the token command", found)
    return found
