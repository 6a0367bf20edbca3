"""The existing client's paths that the deployer answers."""

from services.deployer.compat import delivery, deployments, models, publishing, registry

routers = (
    deployments.one,
    deployments.router,
    delivery.router,
    models.router,
    registry.router,
    publishing.router,
)
