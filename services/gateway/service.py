"""The gateway, composed."""

from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.api.tokens import read_private_key
from libs.bus.consumer import Consumer, each
from libs.runtime.service import Context, Loop, Service
from libs.runtime.settings import BadSettings, load
from libs.schemas.events import DeploymentChanged, JobChanged
from libs.store.schema import Schema
from services.gateway import actions, compat, consumers
from services.gateway.api import access, live, operations, receivers
from services.gateway.api.proxy import proxy_routes
from services.gateway.api.web import web_routes
from services.gateway.compat.forward import forward_routes
from services.gateway.core.delivery import EVENTS
from services.gateway.core.feed import Feed
from services.gateway.core.processes import Board
from services.gateway.parts import Gateway
from services.gateway.settings import GatewaySettings
from services.gateway.tables import metadata
from services.gateway.workers import delivering, watching

_WEB = Path(__file__).parents[2] / "web" / "dist"
SCHEMA = Schema(metadata=metadata, migrations=Path(__file__).parent / "migrations")


def build(context: Context) -> Service:
    """The gateway: who may do what, the interface, live updates, the one origin."""
    settings = load(GatewaySettings)
    store = context.store("gateway", SCHEMA)
    web = settings.web or (_WEB if _WEB.is_dir() else None)
    feed = Feed(kept=settings.feed_kept, listeners=settings.feed_listeners)
    parts = Gateway(
        settings=settings,
        clock=context.clock,
        database=store.database,
        key=_signing_key(settings),
        verifier=context.verifier,
        deployments=context.table(DeploymentChanged),
        feed=feed,
        board=Board(),
        bus=context.bus,
        sink=context.bus.sink,
        http=context.http,
        web=web,
        secure_cookies=context.settings.public_url.startswith("https:"),
        public_url=context.settings.public_url.rstrip("/"),
    )
    return Service(
        name="gateway",
        parts=parts,
        routers=(access.router, live.router, operations.router, receivers.router),
        compat=compat.routers,
        # The last routes take whatever no other service of this process has taken.
        last_routers=(
            proxy_routes(settings.upstreams, context.http),
            forward_routes(settings.upstreams, context.http),
            web_routes(web),
        ),
        consumers=(
            Consumer(name="jobs", handlers=(each(JobChanged, consumers.on_job_changed),)),
            Consumer(
                name="deliveries",
                handlers=tuple(
                    each(kind, partial(consumers.on_told, parts)) for kind in EVENTS.values()
                ),
            ),
        ),
        loops=(
            Loop(name="feed", run=partial(watching.feed_browsers, parts)),
            Loop(name="board", run=partial(watching.watch_processes, parts)),
            Loop(name="deliveries", run=partial(delivering.keep_telling, parts)),
        ),
        prepare=partial(actions.prepare, parts),
        on_stop=feed.stop,
        store=store,
    )


def _signing_key(settings: GatewaySettings) -> Ed25519PrivateKey:
    try:
        return read_private_key(settings.signing_key.get_secret_value())
    except ValueError as error:
        raise BadSettings(f"SIGHTLOOP_GATEWAY_SIGNING_KEY: {error}") from error
