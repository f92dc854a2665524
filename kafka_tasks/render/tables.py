"""Tables and short texts for a person, by Rich; plain characters when nobody watches."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.group import GroupLag
from kafka_tasks.model.results import Known, Proof, Pulled, Report
from kafka_tasks.model.topic import ListedTopic, Offsets, TopicState

_GAP = "   "
# What is never broken up on a narrow screen, in characters.
_SHORT = 12


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, width: int = 80) -> str:
    """Columns of text, as wide as they need to be; a narrow screen wraps, a pipe does not.

    Only long texts wrap: a number, or a heading, that is broken in two reads as another one.
    """
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *texts, strict=True)]
    plain = all(cell.isascii() and cell.isprintable() for row in texts for cell in row)
    # Rich takes seconds for 10,000 rows, and only has work to do where something wraps.
    if plain and _total(widths) <= width:
        return _unwrapped(headings, texts, widths)
    return _wrapped(headings, texts, widths, width)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _unwrapped(
    headings: Sequence[str], texts: Iterable[Sequence[str]], widths: Sequence[int]
) -> str:
    lines = (
        _GAP.join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )
    head = _GAP.join(cell.ljust(wide) for cell, wide in zip(headings, widths, strict=True))
    return "\n".join([head.rstrip(), "─" * _total(widths), *lines])


def _wrapped(
    headings: Sequence[str], texts: Iterable[Sequence[str]], widths: Sequence[int], width: int
) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    least = _least(headings, widths, width)
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading, wide, kept in zip(headings, widths, least, strict=True):
        drawn.add_column(heading, overflow="fold", no_wrap=kept == wide, min_width=kept)
    for row in texts:
        drawn.add_row(*row)
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        no_color=True,
        force_terminal=False,
        safe_box=True,
        markup=False,
        highlight=False,
        emoji=False,
    )
    console.print(drawn)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _least(headings: Sequence[str], widths: Sequence[int], width: int) -> list[int]:
    """How narrow each column may become: what is short stays whole, and the first if it can."""
    found = [
        max(len(heading), min(wide, _SHORT)) for heading, wide in zip(headings, widths, strict=True)
    ]
    whole = [widths[0], *found[1:]]
    if _total(whole) <= width:
        return whole
    # Rich leaves out columns for which there is no room at all.
    return found if _total(found) <= width else [1] * len(found)


def counted(number: int, noun: str) -> str:
    """1 topic, 2 topics."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(names: Sequence[str], noun: str) -> str:
    """How many there are, and the first ten of them by name."""
    return (
        f"{counted(len(names), noun)} ({', '.join(names[:10])}{', …' if len(names) > 10 else ''})"
    )


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """Names and values, two columns."""
    shown = [(name, str(value)) for name, value in rows if value is not None]
    widest = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"  {name:<{widest}}  {value}" for name, value in shown)


def report(found: Report, *, waited: bool = False) -> str:
    """`up`, `wait`, `restart`: one line that says it, and the addresses."""
    after = f"Ready after {found.elapsed_s:.1f} s"
    head = after if found.changed or waited else "Already ready, nothing changed"
    version = f", Kafka {found.kafka_version}" if found.kafka_version else ""
    addresses = pairs(
        [
            ("bootstrap servers", found.bootstrap_servers),
            ("ZooKeeper", found.zookeeper),
            ("cluster id", found.cluster_id),
        ]
    )
    return f"{head} ({found.runtime}{version}).\n{addresses}"


def status(found: Report, *, width: int) -> str:
    """`status`: the state, what does not hold, and a row a service."""
    lines = [f"{found.state} ({found.runtime}, {found.project})"]
    if found.reason:
        lines.append(f"  layer {found.failed_layer}: {found.reason}")
    if found.services:
        lines += ["", services(found.services, width=width)]
    if found.state == "stopped":
        lines.append("Hint: invoke kafka.up")
    return "\n".join(lines)


def services(found: Sequence[ServiceState], *, width: int) -> str:
    """A row a service."""
    rows = [
        (
            entry.name,
            entry.state,
            entry.address,
            entry.pid if entry.pid is not None else (entry.container or "")[:12],
            duration(entry.uptime_s),
            entry.version,
            *((entry.health,) if any(other.health for other in found) else ()),
        )
        for entry in found
    ]
    headings = ["service", "state", "address", "process", "uptime", "version"]
    if any(entry.health for entry in found):
        headings.append("health")
    return table(headings, rows, width=width)


def duration(seconds: float | None) -> str:
    """12 s, 3 min, 4 h, 2 d."""
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def clusters(found: Sequence[Known], *, width: int) -> str:
    """`list`."""
    if not found:
        return "There is no cluster on this machine.\nHint: invoke kafka.up"
    rows = [
        (known.project, known.runtime, known.state, known.bootstrap_servers, known.zookeeper)
        for known in found
    ]
    return table(
        ["project", "runtime", "state", "bootstrap servers", "ZooKeeper"], rows, width=width
    )


def pulled(found: Pulled) -> str:
    """`pull`."""
    lines = "\n".join(f"  {what}" for what in found.what)
    return f"Everything that kafka.up needs is here ({found.elapsed_s:.1f} s):\n{lines}"


def proof(found: Proof) -> str:
    """`topic` alone."""
    verb = "created" if found.created else "found"
    partitions = counted(found.partitions, "partition")
    shape = f"{partitions}, replication factor {found.replication_factor}"
    proven = (
        f"one record in and out in {found.roundtrip_ms:g} ms"
        if found.roundtrip_ms is not None
        else "no record was written to it (--prove allows one)"
    )
    return (
        f"Topic {found.topic} {verb} and proven ({shape}).\n"
        f"  leaders  {found.leaders} of {found.partitions}\n"
        f"  records  {found.records}; {proven}"
    )


def topics(found: Sequence[ListedTopic], *, width: int, filtered: bool = False) -> str:
    """`topic.list`; records and bytes where they were asked for."""
    if not found:
        return "No topic matches." if filtered else "There are no topics."
    counted_too = any(listed.records is not None for listed in found)
    sized = any(listed.bytes is not None for listed in found)
    headings = ["topic", "partitions", "replication"]
    headings += ["records"] * counted_too + ["bytes"] * sized + [""]
    rows = [
        (
            listed.state.name,
            len(listed.state.partitions),
            listed.state.replication_factor,
            *((listed.records,) if counted_too else ()),
            *((listed.bytes,) if sized else ()),
            _worries(listed.state),
        )
        for listed in found
    ]
    return table(headings, rows, width=width)


def _worries(state: TopicState) -> str:
    if state.leaders < len(state.partitions):
        return f"{state.leaders} leaders only"
    if state.under_replicated:
        return f"{state.under_replicated} under-replicated"
    return ""


def topic(
    state: TopicState,
    offsets: Mapping[int, Offsets],
    groups: Sequence[GroupLag] = (),
    *,
    width: int,
) -> str:
    """`topic.describe`."""
    rows = [
        (
            partition.id,
            "none" if partition.leader is None else partition.leader,
            ",".join(map(str, partition.replicas)),
            ",".join(map(str, partition.isr)),
            offsets[partition.id].start if partition.id in offsets else None,
            offsets[partition.id].end if partition.id in offsets else None,
        )
        for partition in state.partitions
    ]
    drawn = table(["partition", "leader", "replicas", "in sync", "start", "end"], rows, width=width)
    own = [
        (key, entry.value, entry.source)
        for key, entry in sorted(state.config.items())
        if entry.source != "default"
    ]
    settings = (
        "\n\n" + table(["setting", "value", "from"], own, width=width)
        if own
        else "\n\nEvery setting has its default."
    )
    count = counted(len(state.partitions), "partition")
    head = f"{state.name}: {count}, replication factor {state.replication_factor}"
    readers = (
        "\n\n"
        + table(
            ["group", "state", "lag"],
            [(g.group.name, g.group.state, g.lag_in(state.name)) for g in groups],
            width=width,
        )
        if groups
        else ""
    )
    return f"{head}\n\n{drawn}{settings}{readers}"
