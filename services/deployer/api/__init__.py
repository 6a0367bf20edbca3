"""The routes of the deployer: the registry of models, deployments, roll-outs, verdicts."""

from services.deployer.api import deployments, models, rollouts, verdict

routers = (models.router, models.versions, deployments.router, rollouts.router, verdict.router)
