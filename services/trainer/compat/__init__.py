"""The existing client's paths that the trainer answers."""

from services.trainer.compat import artifacts, experiments, logs, projects

routers = (projects.router, experiments.router, logs.router, artifacts.router)
