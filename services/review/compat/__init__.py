"""The existing client's paths that review answers."""

from services.review.compat import assets, lists

routers = (lists.router, assets.router)
