"""The one distinction every boundary makes: will the same call work later?"""


class Transient(Exception):
    """The same call may work later: a part is away, full or restarting. Never dead-lettered."""
