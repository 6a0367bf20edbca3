"""The routes of the trainer: projects and experiments."""

from services.trainer.api import experiments, external, projects

routers = (projects.router, experiments.router, external.router)
