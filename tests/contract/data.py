"""The contract of a stopped cluster's files, for every runtime that has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kafka_tasks.model.data_files import Data, DataFile

FIRST = {
    "zookeeper/version-2/snapshot.0": b"snapshot",
    "zookeeper-log/version-2/log.1": b"log",
    "kafka/meta.properties": b"broker.id=1",
    "kafka/orders-0/0.log": b"",
}
SECOND = {"kafka/orders-1/0.log": b"other records", "zookeeper/version-2/snapshot.7": b"later"}


def incoming(content: Mapping[str, bytes]) -> Iterator[DataFile]:
    """Yield files to stage, each in two pieces."""
    for name, text in content.items():
        yield DataFile(name, len(text), 5000, [text[:3], text[3:]])


def there(data: Data) -> dict[str, bytes]:
    """Return the content of every file."""
    return {file.name: b"".join(file.chunks) for file in data.files()}


class DataContract:
    """Tests of files, stage, swap and discard; a subclass has a fixture `data`, which is empty."""

    def test_what_is_staged_counts_after_the_swap(self, data: Data) -> None:
        """And not before; then the old files are gone."""
        data.stage(incoming(FIRST))
        assert there(data) == {}
        data.swap()
        assert there(data) == FIRST
        data.stage(incoming(SECOND))
        assert there(data) == FIRST
        data.swap()
        assert there(data) == SECOND

    def test_a_swap_is_done_once(self, data: Data) -> None:
        """Where nothing is staged, it changes nothing."""
        data.stage(incoming(FIRST))
        data.swap()
        data.swap()
        assert there(data) == FIRST

    def test_what_is_discarded_is_not_swapped_in(self, data: Data) -> None:
        """A second time there is nothing to discard."""
        data.stage(incoming(FIRST))
        data.swap()
        data.stage(incoming(SECOND))
        data.discard()
        data.discard()
        data.swap()
        assert there(data) == FIRST

    def test_staging_again_begins_again(self, data: Data) -> None:
        """What an interrupted staging left does not count."""
        data.stage(incoming(FIRST))
        data.stage(incoming(SECOND))
        data.swap()
        assert there(data) == SECOND

    def test_files_come_place_by_place(self, data: Data) -> None:
        """ZooKeeper's before the broker's, with their sizes."""
        data.stage(incoming(dict(reversed(FIRST.items()))))
        data.swap()
        found = list(data.files())
        assert [file.name for file in found] == list(FIRST)
        assert [file.size for file in found] == [len(content) for content in FIRST.values()]
