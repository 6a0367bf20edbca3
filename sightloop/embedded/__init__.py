"""The parts a laptop runs in place of a cluster's: a PostgreSQL server in a folder."""
