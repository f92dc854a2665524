"""What each role needs to run, once: one module a role."""

from __future__ import annotations

from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Topology
from kafka_tasks.runtimes.roles import broker, controller, zookeeper
from kafka_tasks.runtimes.roles.recipe import Coordinator, Recipe
from kafka_tasks.settings import Settings

_ALL = (zookeeper.RECIPE, controller.RECIPE, controller.COMBINED, broker.RECIPE)
_RECIPES = {recipe.role: recipe for recipe in _ALL}

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
    found = (setting for service in topology for setting in of(service.role).port_settings)
    return tuple(dict.fromkeys(found))


def coordinators(cluster: Cluster) -> tuple[Coordinator, ...]:
    """Return the coordinators that can be reached from here, ready to be asked."""
    pairs = ((of(each.role).coordinator, each) for each in cluster.topology.coordinators)
    return tuple(made(cluster, each) for made, each in pairs if made and each.coordination_endpoint)


def open_servers(topology: Topology, runtime: str | None) -> tuple[str, ...]:
    """Return what stays open beside the listeners of a secured cluster, a sentence each."""
    who = "every container on its network" if runtime == "compose" else "every user of this machine"
    found = (of(role).stays_open for role in dict.fromkeys(each.role for each in topology))
    return tuple(text.format(who) for text in found if text)


def of(role: Role) -> Recipe:
    """Return the recipe of a role."""
    return _RECIPES[role]
