"""The log-in by a token, in the forms that clients read: code of Python, and Java's."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from kafka_tasks.model.client_names import (
    CLIENT_ID,
    CLIENT_SECRET,
    EXTENSIONS,
    HTTPS_CA,
    HTTPS_CA_PEM,
    SCOPE,
    TOKEN_URL,
    extensions,
)
from kafka_tasks.render import jaas

_JAVA = "org.apache.kafka.common.security.oauthbearer"
_HANDLER = f"{_JAVA}.OAuthBearerLoginCallbackHandler"
# Setting → option of Java's log-in module.
_OPTIONS = {CLIENT_ID: "clientId", CLIENT_SECRET: "clientSecret", SCOPE: "scope"}
_IMPORTS_OF_COMMAND = """\
import base64
import json
import subprocess
import time
"""
_OF_COMMAND = '''
COMMAND = {command}


def token():
    """Return the token that the command prints, and the time at which it ends."""
    printed = subprocess.run(COMMAND, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    found = json.loads(printed) if printed.startswith("{{") else {{"access_token": printed}}
    if "expires_in" in found:
        return found["access_token"], time.time() + float(found["expires_in"])
    claims = base64.urlsafe_b64decode(found["access_token"].split(".")[1] + "==")
    return found["access_token"], json.loads(claims)["exp"]
'''
_IMPORTS_OF_ENDPOINT = """\
import base64
import json
import ssl
from urllib.parse import urlencode
from urllib.request import Request, urlopen
"""
_OF_ENDPOINT = '''
URL = {url}
CREDENTIALS = {credentials}
BODY = {body}


def token():
    """Return the token that the endpoint gives, alone in a tuple."""
    basic = base64.b64encode(CREDENTIALS.encode()).decode()
    request = Request(URL, urlencode(BODY).encode(), {{"Authorization": f"Basic {{basic}}"}})
    context = ssl.create_default_context(cafile={cafile}, cadata={cadata})
    with urlopen(request, timeout=10, context=context) as answer:
        return (json.load(answer)["access_token"],)
'''
_PROVIDER = """

class TokenProvider(AbstractTokenProvider):
    async def token(self):
        return (await asyncio.to_thread(token))[0]

    def extensions(self):
        return {extensions}
"""


def _extensions(client: Mapping[str, str]) -> dict[str, str]:
    return extensions(client.get(EXTENSIONS, ""))


def callback(client: Mapping[str, str], command: str) -> tuple[str, str]:
    """Return code for confluent-kafka that runs a token command, and the value of `oauth_cb`."""
    code = f"{_IMPORTS_OF_COMMAND}{_of_command(command)}"
    return code, f'lambda _: (*token(), "", {_extensions(client)!r})'


def provider(client: Mapping[str, str], command: str | None) -> str:
    """Return code for aiokafka with a class `TokenProvider`."""
    if command is not None:
        imports, code = _IMPORTS_OF_COMMAND, _of_command(command)
    else:
        body = {"grant_type": "client_credentials", "scope": client.get(SCOPE, "")}
        imports = _IMPORTS_OF_ENDPOINT
        code = _OF_ENDPOINT.format(
            credentials=repr(f"{client.get(CLIENT_ID, '')}:{client.get(CLIENT_SECRET, '')}"),
            body=repr({name: value for name, value in body.items() if value}),
            url=repr(client.get(TOKEN_URL)),
            cafile=repr(client.get(HTTPS_CA)),
            cadata=repr(client.get(HTTPS_CA_PEM)),
        )
    needed = f"import asyncio\n{imports}\nfrom aiokafka.abc import AbstractTokenProvider\n"
    return f"{needed}{code}{_PROVIDER.format(extensions=repr(_extensions(client)))}"


def _of_command(command: str) -> str:
    return _OF_COMMAND.format(command=repr(shlex.split(command)))


def of_java(client: Mapping[str, str]) -> dict[str, str]:
    """Return Java's properties for the log-in; without an endpoint they lack the token."""
    options = {_OPTIONS[name]: client[name] for name in _OPTIONS if name in client}
    options |= {f"extension_{name}": value for name, value in _extensions(client).items()}
    if HTTPS_CA in client:
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": client[HTTPS_CA]}
    if HTTPS_CA_PEM in client:
        pem = client[HTTPS_CA_PEM]
        options |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": pem}
    found = {
        "sasl.jaas.config": jaas.log_in(f"{_JAVA}.OAuthBearerLoginModule", options),
        "sasl.login.callback.handler.class": _HANDLER,
    }
    if TOKEN_URL in client:
        found[TOKEN_URL] = client[TOKEN_URL]
    return found
