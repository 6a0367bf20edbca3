"""How the members of a consumer group share partitions, where we decide it ourselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from libs.bus.driver import Partition


@dataclass(frozen=True, slots=True)
class Member:
    """One subscription of one process."""

    id: UUID
    group: str
    topics: tuple[str, ...]


def shares(
    members: Iterable[Member], partitions: Iterable[Partition]
) -> dict[UUID, frozenset[Partition]]:
    """Which member reads what: of each topic's partitions, the i-th of n members gets [i::n].

    Everyone computes the same from the same members. Members of a group that differ in topics
    (two releases side by side) share each topic among those that read it.
    """
    ordered = sorted(members, key=lambda member: member.id)
    by_topic: dict[str, list[Partition]] = {}
    for partition in sorted(partitions):
        by_topic.setdefault(partition.topic, []).append(partition)
    share: dict[UUID, set[Partition]] = {member.id: set() for member in ordered}
    for topic, numbers in by_topic.items():
        readers = [member for member in ordered if topic in member.topics]
        for index, member in enumerate(readers):
            share[member.id].update(numbers[index :: len(readers)])
    return {member: frozenset(owned) for member, owned in share.items()}
