"""What several processes and a larger database come to: a simulation, from figures that were measured on one machine.

`python -m bench.scaling` prints the tables of docs/scaling.md. Nothing here measures: the costs are those of `Costs`,
taken from docs/benchmarks.md and docs/deploy.md, and can be replaced by those of other machines (`--commit-us 2000`).
"""

import argparse
import heapq
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

_SEED: Final = 7
_COMMANDS: Final = 20_000
"""Writes of one simulated run."""

_QUESTIONS: Final = 200_000
"""Questions of one simulated run; the first half only fills the memory."""

_PATIENCE: Final = 0.100
"""Seconds within which 99 of 100 writes must be answered; the highest rate that allows it counts as sustained."""

_LARGEST_BATCH: Final = 256


class Costs(Struct, frozen=True):
    """What was measured, in microseconds and bytes.

    request_us: processor time of a write in its process. commit_us, row_us: a transaction, and each write in it.
    site_bytes, customer_bytes: memory of an index, and of each customer in it. load_us, customer_load_us: reading one
    from the store. restore_us, customer_restore_us: from a snapshot, which sites with `large` customers have.
    """

    request_us: float = 250
    commit_us: float = 570
    row_us: float = 45
    site_bytes: float = 43_000
    customer_bytes: float = 430
    load_us: float = 8_000
    customer_load_us: float = 27
    restore_us: float = 20_000
    customer_restore_us: float = 0.4
    large: int = 20_000

    def load_seconds(self, customers: float) -> float:
        """How long the first question to a site of this size waits."""
        if customers >= self.large:
            return (self.restore_us + customers * self.customer_restore_us) / 1e6
        return (self.load_us + customers * self.customer_load_us) / 1e6

    def index_bytes(self, customers: float) -> float:
        """The memory of the index of a site of this size."""
        return self.site_bytes + customers * self.customer_bytes


def delays(costs: Costs, rate: float, *, processes: int, sites: int, cores: int) -> list[float]:
    """The delays (seconds) of writes that come at this rate, each to a random process and site.

    A process works on one request at a time, and gathers those of a site while another transaction of that site is
    under way: a site has one transaction at a time, as they take its change numbers in order. cores: transactions that
    the database carries out side by side.
    """
    rng = np.random.default_rng(_SEED)
    arrivals = np.cumsum(rng.exponential(1 / rate, _COMMANDS))
    where = rng.integers(0, processes, _COMMANDS)
    site_of = rng.integers(0, sites, _COMMANDS)
    ready = _through_the_processes(arrivals, where, costs.request_us / 1e6, processes)
    waiting: dict[int, OrderedDict[int, list[int]]] = {site: OrderedDict() for site in range(sites)}
    due: deque[int] = deque()
    is_busy = [False] * sites
    finished = np.zeros(_COMMANDS)
    ends: list[tuple[float, int]] = []
    order = np.argsort(ready, kind="stable")
    place, now, running = 0, 0.0, 0
    while place < _COMMANDS or ends or due:
        while due and running < cores:
            site = due.popleft()
            process, batch = waiting[site].popitem(last=False)
            rest = batch[_LARGEST_BATCH:]
            if rest:
                waiting[site][process] = rest
            taken = batch[:_LARGEST_BATCH]
            end = now + (costs.commit_us + len(taken) * costs.row_us) / 1e6
            finished[taken] = end
            heapq.heappush(ends, (end, site))
            running += 1
        if place < _COMMANDS and (not ends or ready[order[place]] <= ends[0][0]):
            command = int(order[place])
            now, place = float(ready[command]), place + 1
            site = int(site_of[command])
            waiting[site].setdefault(int(where[command]), []).append(command)
            if not is_busy[site]:
                is_busy[site] = True
                due.append(site)
        elif ends:
            now, site = heapq.heappop(ends)
            running -= 1
            if waiting[site]:
                due.append(site)
            else:
                is_busy[site] = False
    late = slice(_COMMANDS // 2, None)
    found: list[float] = (finished - arrivals)[late].tolist()
    return found


def _through_the_processes(arrivals: Any, where: Any, seconds: float, processes: int) -> Any:
    """When each request has been through its process, which takes one at a time."""
    free = [0.0] * processes
    ready = np.zeros(len(arrivals))
    for place, (arrival, process) in enumerate(zip(arrivals.tolist(), where.tolist(), strict=True)):
        free[process] = max(free[process], arrival) + seconds
        ready[place] = free[process]
    return ready


def sustained(costs: Costs, *, processes: int, sites: int, cores: int) -> float:
    """The highest rate (writes a second) at which 99 of 100 are answered in time."""
    low, high = 10.0, processes * 1e6 / costs.request_us
    while high / low > 1.03:
        rate = (low + high) / 2
        late = np.percentile(delays(costs, rate, processes=processes, sites=sites, cores=cores), 99)
        low, high = (rate, high) if late <= _PATIENCE else (low, rate)
    return low


class Cold(Struct, frozen=True):
    """share: of the questions that found no index. seconds: processor time of loading per question. waits: the 99th
    percentile of what a question waits for its index (seconds)."""

    share: float
    seconds: float
    waits: float


def cold(
    costs: Costs, sizes: Sequence[int], popularity: float, *, processes: int, memory: float, by_site: bool
) -> Cold:
    """How often questions meet a cold site. by_site: each site's questions go to one process, else to any.

    sizes: customers of each site. popularity: the exponent of Zipf's law by which sites are asked. memory: bytes for
    the indexes of one process, which drops those least recently asked.
    """
    rng = np.random.default_rng(_SEED)
    weights = 1 / np.arange(1, len(sizes) + 1) ** popularity
    ranks = rng.permutation(len(sizes))
    asked = ranks[rng.choice(len(sizes), _QUESTIONS, p=weights / weights.sum())]
    where = asked % processes if by_site else rng.integers(0, processes, _QUESTIONS)
    kept: list[OrderedDict[int, float]] = [OrderedDict() for _ in range(processes)]
    used = [0.0] * processes
    waits: list[float] = []
    for place, (site, process) in enumerate(zip(asked.tolist(), where.tolist(), strict=True)):
        mine, wait = kept[process], 0.0
        if site in mine:
            mine.move_to_end(site)
        else:
            wait = costs.load_seconds(sizes[site])
            mine[site] = costs.index_bytes(sizes[site])
            used[process] += mine[site]
            while used[process] > memory and len(mine) > 1:
                used[process] -= mine.popitem(last=False)[1]
        if place >= _QUESTIONS // 2:
            waits.append(wait)
    every = np.array(waits)
    return Cold(float((every > 0).mean()), float(every.mean()), float(np.percentile(every, 99)))


def site_sizes(count: int) -> list[int]:
    """Customers of many sites: most are small, a few are large; the mean is about a thousand."""
    rng = np.random.default_rng(_SEED)
    sizes: list[int] = np.clip(rng.lognormal(mean=5.3, sigma=1.8, size=count), 1, 2_000_000).astype(int).tolist()
    return sizes


def tables(costs: Costs) -> Iterator[str]:
    """The lines of docs/scaling.md that are computed."""
    yield "| processes | one site | 10 sites | 100 sites, database of 4 cores | 100 sites, 16 cores |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for processes in (1, 2, 4, 8, 16):
        ways = ((1, 4), (10, 4), (100, 4), (100, 16))
        rates = [sustained(costs, processes=processes, sites=sites, cores=cores) for sites, cores in ways]
        yield f"| {processes} | " + " | ".join(f"{rate:,.0f}" for rate in rates) + " |"
    yield ""
    sizes = site_sizes(100_000)
    whole = sum(costs.index_bytes(size) for size in sizes)
    yield f"100,000 sites with {sum(sizes):,} customers; all indexes together take {whole / 1e9:.1f} GB."
    yield ""
    yield "| processes of 4 GB | questions go to | cold questions | loading per question | p99 of the wait |"
    yield "| ---: | --- | ---: | ---: | ---: |"
    for processes in (1, 4, 16):
        for by_site in (False, True):
            found = cold(costs, sizes, 0.9, processes=processes, memory=4e9, by_site=by_site)
            target = "the site's process" if by_site else "any process"
            shares = f"{found.share:.1%} | {found.seconds * 1e3:.1f} ms | {found.waits * 1e3:.0f} ms"
            yield f"| {processes} | {target} | {shares} |"
    yield ""
    yield "| customers of one site | memory of each process | first answer from a snapshot |"
    yield "| ---: | ---: | ---: |"
    for customers in (1_000_000, 10_000_000, 100_000_000):
        memory, restored = costs.index_bytes(customers), costs.load_seconds(customers)
        yield f"| {customers:,} | {memory / 1e9:.1f} GB | {restored:.1f} s |"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    for field in msgspec.structs.fields(Costs):
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=field.type, default=field.default, help=f"default {field.default:g}")
    for line in tables(Costs(**vars(parser.parse_args(argv)))):
        print(line)


if __name__ == "__main__":
    main()
