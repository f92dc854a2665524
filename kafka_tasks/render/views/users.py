"""A list of users."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_tasks.model.user import User
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table


def document(found: Sequence[User]) -> Document:
    """Return every user with the mechanisms and the iterations of the passwords."""
    return {
        "schema": SCHEMA,
        "users": [
            {
                "name": user.name,
                "credentials": [
                    {"mechanism": each.mechanism, "iterations": each.iterations}
                    for each in user.credentials
                ],
            }
            for user in found
        ],
    }


def text(found: Sequence[User], *, width: int) -> str:
    """Return a row a user."""
    if not found:
        return "There are no users with a SCRAM password."
    rows = [(user.name, ", ".join(user.mechanisms)) for user in found]
    return table(["user", "log-in"], rows, width=width)
