"""One database per service: sessions, outbox, inbox, leased jobs, migrations."""
