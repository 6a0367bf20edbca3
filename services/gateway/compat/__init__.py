"""The existing client's paths that the gateway answers: who asks, its organisation, logins."""

from services.gateway.compat import client, jobs, login

routers = (client.router, login.router, jobs.router)
