"""Projects, experiments, and the runs that train them."""
