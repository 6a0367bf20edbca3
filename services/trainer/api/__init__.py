"""The routes of the trainer: projects and experiments."""

from services.trainer.api import experiments, projects

routers = (projects.router, experiments.router)
