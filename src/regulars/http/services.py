"""The services of handlers: store, audience, keyring, settings and clock."""

from collections.abc import Callable

from msgspec import Struct

from regulars.audience.attribute_survey import AttributeSurveys
from regulars.audience.service import Audience
from regulars.domain.moments import now_ms
from regulars.http.body_memory import BodyMemory
from regulars.http.keyring import Keyring
from regulars.http.observation import Observation
from regulars.http.sealed_tokens import Sealer
from regulars.http.signed_links import SignedLinks
from regulars.metrics.service import MetricsService
from regulars.rate_counters import RateCounters
from regulars.settings import Settings
from regulars.stalls import StallWatch
from regulars.store.store import Store


class Services(Struct, frozen=True):
    """One server's parts. `clock` gives the time in ms."""

    settings: Settings
    store: Store
    audience: Audience
    surveys: AttributeSurveys
    keyring: Keyring
    bodies: BodyMemory
    cursors: Sealer
    links: SignedLinks
    rates: RateCounters
    stalls: StallWatch
    metrics: MetricsService
    observation: Observation
    wake_jobs: Callable[[], None]
    clock: Callable[[], int] = now_ms
