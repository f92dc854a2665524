"""What each role needs to run, once: one module a role."""

from __future__ import annotations

from kafka_tasks.model.topology import Role, Topology
from kafka_tasks.runtimes.roles import broker, zookeeper
from kafka_tasks.runtimes.roles.recipe import Recipe
from kafka_tasks.settings import Settings

_RECIPES = {recipe.role: recipe for recipe in (zookeeper.RECIPE, broker.RECIPE)}

# The names of every class archive that some service needs.
ARCHIVES = tuple(dict.fromkeys(recipe.archive for recipe in _RECIPES.values()))


def archives(topology: Topology) -> tuple[str, ...]:
    """Return the names of the class archives that these services need."""
    return tuple(dict.fromkeys(of(service.role).archive for service in topology))


def images(settings: Settings) -> tuple[str, ...]:
    """Return the images of the services that these settings describe, in their order."""
    found = (of(service.role).container.image_setting for service in settings.topology)
    return tuple(str(getattr(settings, name)) for name in dict.fromkeys(found))


def port_settings(topology: Topology) -> tuple[str, ...]:
    """Return the names of the settings that decide the ports of these services."""
    return tuple(dict.fromkeys(of(service.role).port_setting for service in topology))


def of(role: Role) -> Recipe:
    """Return the recipe of a role."""
    return _RECIPES[role]
