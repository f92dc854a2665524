from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka import (
    first_contact,
    listener_probe,
    token_endpoint,
    token_refusals,
    wire,
)
from kafka_tasks.clients.kafka.first_contact import FirstContact
from kafka_tasks.clients.kafka.listener_probe import Listener
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import BrokerUnreachable, CannotConnect
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology

ONE, OTHER = Address("one.test", 9092), Address("other.test", 9092)
_DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")
_REFUSED = KafkaError(KafkaError._TRANSPORT, "Connection refused")


class _Client:
    """A client of the library that hears these errors, one a poll, and is answered after them."""

    def __init__(self, contact: FirstContact, *errors: KafkaError, answers: bool = False) -> None:
        self._contact, self._errors, self._answers = contact, list(errors), answers
        self.waited: list[float] = []

    @property
    def asked(self) -> int:
        """How often it was asked."""
        return len(self.waited)

    def list_topics(self, *, timeout: float) -> None:
        """Ask once more."""
        self.waited.append(timeout)
        if self._errors or not self._answers:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def poll(self, _: float) -> None:
        """Tell the next error."""
        if self._errors:
            self._contact.heard(self._errors.pop(0))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[Address, Any]:
    """What the probe finds at each address; an exception is raised. Without an entry: silence."""
    found: dict[Address, Any] = {}

    def look(address: Address, *_: object) -> Any:
        seen = found.get(address, Unanswered("timed out"))
        if isinstance(seen, Exception):
            raise seen
        return seen

    monkeypatch.setattr(listener_probe, "look", look)
    return found


def _contact(*addresses: Address, **client: str) -> FirstContact:
    cluster = Cluster(Path(), "remote", Topology(), addresses, 1, client=client)
    return FirstContact(cluster, addresses)


def _require(contact: FirstContact, client: Any, seconds: float = 0.0) -> None:
    contact.require(client, seconds)


def test_a_cluster_that_answers_is_asked_once(shown: dict[Address, Any]) -> None:
    """Later calls return at once."""
    contact = _contact(ONE)
    client = _Client(contact, answers=True)
    for _ in range(2):
        _require(contact, client, 60.0)
    assert client.asked == 1


def test_a_refused_password_ends_it_at_once(shown: dict[Address, Any]) -> None:
    """Nothing is asked of the listener, and no second log-in waited for."""
    contact = _contact(ONE, **{"sasl.username": "alice"})
    refused = KafkaError(KafkaError._AUTHENTICATION, "Authentication failed")
    with pytest.raises(CannotConnect, match="alice") as caught:
        _require(contact, _Client(contact, refused), 60.0)
    assert caught.value.finding == "log-in-refused"


TOKENS = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.oauthbearer.token.endpoint.url": "https://issuer.test/token",
    "sasl.oauthbearer.client.id": "me",
}
_NO_TOKEN = KafkaError(KafkaError._AUTHENTICATION, f"{token_refusals.NO_TOKEN}: not JSON")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[CannotConnect | None]:
    """What the token endpoint answers, one a request; None is a token."""
    answers: list[CannotConnect | None] = []

    def fetch(*_: object) -> None:
        if answer := answers.pop(0):
            raise answer

    monkeypatch.setattr(token_endpoint, "fetch", fetch)
    return answers


def test_a_refused_token_is_not_a_password(shown: dict[Address, Any]) -> None:
    """Its source is named."""
    contact = _contact(ONE, **TOKENS)
    refused = KafkaError(KafkaError._AUTHENTICATION, '{"status":"invalid_token"}')
    with pytest.raises(
        CannotConnect, match=r"https://issuer\.test/token gave client 'me'"
    ) as caught:
        _require(contact, _Client(contact, refused), 60.0)
    assert caught.value.finding == "token-refused"


@pytest.mark.parametrize("finding", ["token-client-refused", "token-missing"])
def test_without_a_token_the_endpoint_is_asked_why(
    shown: dict[Address, Any], given: list[CannotConnect | None], finding: str
) -> None:
    """Once; where it gives one now, librdkafka's words are what is known."""
    why = CannotConnect("no", finding=finding, hint="")
    given.append(why if finding == "token-client-refused" else None)
    contact = _contact(ONE, **TOKENS)
    with pytest.raises(CannotConnect) as caught:
        _require(contact, _Client(contact, _NO_TOKEN), 60.0)
    assert (caught.value.finding, given) == (finding, [])
    assert finding != "token-missing" or caught.value.evidence == ("not JSON",)


def test_a_silent_endpoint_is_named(
    shown: dict[Address, Any], given: list[CannotConnect | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a bad moment as evidence of silence, after two as the reason."""
    for name in ("_BETWEEN_TOKENS_S", "_BETWEEN_PROBES_S"):
        monkeypatch.setattr(first_contact, name, 0.0)
    away = CannotConnect("it is away", finding="token-endpoint-away", hint="", evidence=["why"])
    given.extend([away, away])
    shown[ONE] = Listener(True, ("OAUTHBEARER",))
    contact = _contact(ONE, **TOKENS)
    with pytest.raises(BrokerUnreachable) as caught:
        _require(contact, _Client(contact, _DOWN))
    assert caught.value.evidence == ("it is away", "why")
    with pytest.raises(CannotConnect, match="it is away"):
        _require(contact, _Client(contact, _DOWN))


def test_a_log_in_that_the_listener_does_not_have_is_asked_about(
    shown: dict[Address, Any],
) -> None:
    """No password was sent, and the listener tells its mechanisms."""
    contact = _contact(ONE, **{"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"})
    shown[ONE] = Listener(True, ("SCRAM-SHA-512",))
    off = KafkaError(KafkaError._AUTHENTICATION, "SASL PLAIN mechanism handshake failed: no")
    with pytest.raises(CannotConnect) as caught:
        _require(contact, _Client(contact, off, _DOWN), 60.0)
    assert caught.value.finding == "mechanism-off"


def test_a_refused_password_is_looked_for_in_short_steps(
    shown: dict[Address, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would send it again; a far cluster gets longer steps after half a second."""
    now = [100.0]
    monkeypatch.setattr(first_contact, "time", SimpleNamespace(monotonic=lambda: now[0]))
    contact = _contact(ONE, **{"security.protocol": "SASL_SSL"})

    class _Silent(_Client):
        def list_topics(self, *, timeout: float) -> None:
            now[0] += timeout
            self._answers = self._answers or now[0] > 101.0
            super().list_topics(timeout=timeout)

    client = _Silent(contact)
    _require(contact, client, 60.0)
    short = [step for step in client.waited if step < 0.05]
    assert sum(short) == pytest.approx(0.5, abs=0.05)
    assert client.waited[len(short) :] == [0.1, 0.2, 0.4]


def test_one_address_that_may_work_is_waited_for(shown: dict[Address, Any]) -> None:
    """Faults of the others end nothing; at the time-out the last thing heard is the evidence."""
    contact = _contact(ONE, OTHER)
    shown[ONE] = wire.Unresolved("unknown")
    shown[OTHER] = wire.Refused("refused")
    client = _Client(contact, _REFUSED, _DOWN)
    with pytest.raises(BrokerUnreachable):
        _require(contact, client)
    with pytest.raises(BrokerUnreachable, match=r"one\.test:9092,other\.test:9092") as caught:
        _require(contact, client)
    assert caught.value.evidence == ("Connection refused",)
    assert not contact.is_accepted


def test_faults_of_all_addresses_end_it(shown: dict[Address, Any]) -> None:
    """The first one is told."""
    contact = _contact(ONE, OTHER)
    shown[ONE] = wire.Unresolved("unknown")
    shown[OTHER] = wire.NotKafka("no", b"HTTP")
    with pytest.raises(CannotConnect) as caught:
        _require(contact, _Client(contact, _DOWN), 60.0)
    assert caught.value.finding == "name-unresolved"


def test_tls_that_fails_without_a_visible_reason(shown: dict[Address, Any]) -> None:
    """The library's own text is told."""
    contact = _contact(ONE, **{"security.protocol": "SSL"})
    shown[ONE] = Listener(True)
    failed = KafkaError(KafkaError._SSL, "no suitable signature")
    with pytest.raises(CannotConnect) as caught:
        _require(contact, _Client(contact, failed, _DOWN), 60.0)
    assert (caught.value.finding, caught.value.evidence) == (
        "tls-failed",
        ("no suitable signature",),
    )


def test_a_silent_client_makes_it_ask_the_listener(
    shown: dict[Address, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller's listener closes connections, of which the library says nothing."""
    monkeypatch.setattr(first_contact, "_SILENCE_S", 0.0)
    contact = _contact(ONE)
    shown[ONE] = Listener(False, is_controllers=True)
    with pytest.raises(CannotConnect) as caught:
        _require(contact, _Client(contact), 60.0)
    assert caught.value.finding == "controller-listener"


def test_a_request_that_fails_is_sent_again(shown: dict[Address, Any]) -> None:
    """The library gives up a request before the cluster is given up; later ones wait longer."""
    contact = _contact(ONE)
    client = _Client(contact, _DOWN, _REFUSED, _REFUSED, answers=True)
    _require(contact, client, 60.0)
    assert client.asked == 4
    assert client.waited == [0.1, 0.2, 0.4, 0.8]
    assert contact.is_accepted


@pytest.mark.parametrize(("refusals", "named"), [(1, False), (2, True)])
def test_a_log_in_that_is_refused_later_is_named(refusals: int, named: bool) -> None:
    """A request that fails behind several refusals has them as its reason; an answer ends them."""
    contact = _contact(ONE, **{"sasl.mechanism": "PLAIN", "sasl.username": "alice"})
    client: Any = _Client(contact)
    late = KafkaError(KafkaError._AUTHENTICATION, "Invalid password")
    contact.heard(late)
    with contact.watched(client):
        pass
    for _ in range(refusals):
        contact.heard(late)
    kind = CannotConnect if named else KafkaException
    with pytest.raises(kind) as caught, contact.watched(client):
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    assert ("user 'alice'" in str(caught.value)) is named
