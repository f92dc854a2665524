"""Remote clusters by name: list, show, test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, task

if TYPE_CHECKING:
    from kafka_tasks.render.views.contexts import Declared
    from kafka_tasks.settings.contexts import Context

_NAME = {"name": "name of the context"}


@task(name="list")
def list_(call: Call, output: str = "text") -> Outcome:
    """List the remote clusters that have a name."""
    from kafka_tasks.render.views import contexts as view
    from kafka_tasks.settings import contexts

    there = contexts.declared(call.project().path, call.section)
    current = call.settings(call.project()).context
    return shown([_declared(each, current) for each in there.values()], view)


@task(help=_NAME, completes={"name": "contexts"})
def show(call: Call, name: str, output: str = "text") -> Outcome:
    """Show how a remote cluster is reached; contacts nothing."""
    from kafka_tasks.render.views import context as view
    from kafka_tasks.settings import contexts

    found = contexts.named(name, call.project().path, call.section)
    return shown(_declared(found, call.settings(call.project()).context), view)


def _declared(found: Context, current: str | None) -> Declared:
    from kafka_tasks.render.views.contexts import Declared

    values = dict(found.values)
    if "token_command" in values:
        values["token_command"] = _short(values["token_command"])
    return Declared(
        name=found.name,
        place=found.place,
        values=values,
        password=_source(found, "sasl_password"),
        client_secret=_source(found, "sasl_oauthbearer_client_secret"),
        read_only=found.read_only,
        asks_name=found.asks_name,
        color=found.color,
        current=found.name == current,
    )


def _source(found: Context, field: str) -> str | None:
    """Return where a secret comes from."""
    if field in found.commands:
        return f"command {_short(found.commands[field])}"
    file = found.password_files.get(field)
    return None if file is None else f"file {file}"


def _short(command: str) -> str:
    """Return a command without its arguments: one may be a secret."""
    return f"{command.split()[0]} …"


@task(help={**_NAME, **ANSWERS}, completes={"name": "contexts"})
def test(call: Call, name: str, timeout: str | None = None, output: str = "text") -> Outcome:
    """Connect to a remote cluster; a refusal says why."""
    call.flags = {"timeout": timeout, "context": name}
    from kafka_tasks.render.views import context_tested
    from kafka_tasks.tasks.cluster_access import connected

    with connected(call) as (_, _, admin):
        view = admin.view()
    tested = context_tested.ContextTested(name, view.cluster_id, len(view.brokers))
    return shown(tested, context_tested)
