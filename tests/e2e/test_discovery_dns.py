"""discovery by DNS: every address a target, SRV records with ports, weights and priorities; names that change, vanish,
fail, and say nonsense. Against a name server of the tests, and against dnsmasq."""
import collections
import re
import signal
import socket
import subprocess
import threading

import pytest
from http_peer import Origin, free_ports, wait_until
from name_server import A, AAAA, SRV, NameServer

DOCUMENT = """
openapi: 3.1.0
info: {{title: names, version: "1"}}
security: []
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams: {{pets: {{discovery: {{{source}}}, {more}}}}}
  upstream: pets
  access_log: false
  timeouts: {{connect: 4s, read: 5s}}
paths:
  /x: {{get: {{responses: {{default: {{description: any}}}}}}}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
NAME = "pets.test"


def host(address, port=0):
    """An origin on an address of its own, which it tells."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(address), address.encode())
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return Origin(answer, socket.create_server((address, port), family=family, backlog=128))


@pytest.fixture
def names():
    with NameServer({}) as server:
        yield server


@pytest.fixture
def pets():
    """Three on one port of three addresses."""
    first = host("127.0.0.1")
    all_ = [first, host("127.0.0.2", first.port), host("127.0.0.3", first.port)]
    yield all_
    for one in all_:
        one.close()


def start(gateway, names, source, more="balance: round_robin", workers="1"):
    return gateway(DOCUMENT.format(source=source, more=more), "--workers", workers,
                   env={"GW_RESOLVER": getattr(names, "address", names)})


def by_name(gateway, names, pets, more="balance: round_robin", workers="1", also="refresh: 100ms"):
    """refresh makes the time between two looks short; the port of the targets is no fact of the document."""
    return start(gateway, names, f'dns: "{NAME}:{pets[0].port}", {also}', more, workers)


def ask(running, times):
    with running.client() as client:
        return collections.Counter(client.ask(GET).body.decode() for _ in range(times))


def admin(running, path):
    return running.ask_admin(path).body.decode()


def metric(running, name):
    return float(re.search(rf'^{name}{{upstream="pets"}} (\S+)$', admin(running, "/metrics"), re.M).group(1))


def connections(running):
    """(accepted ever, open now) of the document's listener."""
    found = re.findall(r"^apigw_http_connections_(?:accepted_total|active) (\d+)$", admin(running, "/metrics"), re.M)
    return tuple(map(int, found))


def targets(running):
    return int(metric(running, "apigw_upstream_targets"))


def change(running, names, *addresses):
    """Another answer, and everybody goes by it."""
    before = metric(running, "apigw_upstream_discovery_updates_total")
    names.zone[NAME] = {A: list(addresses)}
    wait_until(lambda: metric(running, "apigw_upstream_discovery_updates_total") > before, "the change")


def has(running, count):
    wait_until(lambda: targets(running) == count, f"{count} targets")


def test_every_address_is_a_target(gateway, names, pets):
    names.zone[NAME] = {A: ["127.0.0.1", "127.0.0.2", "127.0.0.3"]}
    running = by_name(gateway, names, pets)
    assert ask(running, 30) == {"127.0.0.1": 10, "127.0.0.2": 10, "127.0.0.3": 10}
    assert {r["host"] for r in pets[2].requests} == {f"{NAME}:{pets[0].port}"}, "the Host field has the name"
    page = admin(running, "/upstreams")
    assert '"discovery":{"by":"dns","updates":1,"failures":0' in page and f"http://127.0.0.2:{pets[0].port}" in page


def test_both_families(gateway, names):
    with host("127.0.0.1") as four, host("::1", four.port):
        names.zone[NAME] = {A: ["127.0.0.1"], AAAA: ["::1"]}
        running = start(gateway, names, f'dns: "{NAME}:{four.port}"')
        assert ask(running, 10) == {"127.0.0.1": 5, "::1": 5}


def test_a_literal_and_localhost_need_no_server(gateway, pets):
    running = start(gateway, "127.0.0.1:1", f'dns: "127.0.0.2:{pets[0].port}"')
    assert ask(running, 3) == {"127.0.0.2": 3}
    local = start(gateway, "127.0.0.1:1", f'dns: "localhost:{pets[0].port}"')
    assert ask(local, 3)["127.0.0.1"] == 3  # nobody listens at ::1


@pytest.mark.parametrize("workers", ["1", "4"])
def test_targets_come_and_go_under_load(gateway, names, pets, workers):
    """Not one request fails, though the answer changes twenty times."""
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    names.zone[NAME] = {A: addresses}
    names.ttl = 0
    running = by_name(gateway, names, pets, workers=workers)
    has(running, 3)
    seen, stopping = collections.Counter(), threading.Event()
    lock = threading.Lock()

    def load():
        with running.client() as client:
            while not stopping.is_set():
                answer = client.ask(GET)
                with lock:
                    seen[answer.status, answer.body.decode()] += 1

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for i in range(20):
        change(running, names, *([addresses[i % 3]] if i % 2 else addresses[:2] if i % 4 else addresses[1:]))
    names.zone[NAME] = {A: ["127.0.0.2"]}
    has(running, 1)
    stopping.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in seen} == {200} and len(seen) == 3
    seen.clear()
    assert ask(running, 20) == {"127.0.0.2": 20}


def test_a_target_that_goes_may_end_what_is_under_way(gateway, names, pets):
    names.zone[NAME] = {A: ["127.0.0.1"]}
    running = by_name(gateway, names, pets)
    go = threading.Event()

    def slowly(connection, _):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        go.wait(20)
        connection.send(b"cd")

    pets[0].answer = slowly
    with running.client() as client:
        client.send(GET)
        pets[0].request()
        change(running, names, "127.0.0.2")
        assert ask(running, 3) == {"127.0.0.2": 3}
        go.set()
        assert client.answer().body == b"abcd"
    wait_until(lambda: all(c.sock.fileno() < 0 for c in pets[0].open_ones), "its connection to be closed")


def test_idle_connections_of_one_that_goes_are_closed(gateway, names, pets):
    names.zone[NAME] = {A: ["127.0.0.1"]}
    running = by_name(gateway, names, pets)
    assert ask(running, 1) == {"127.0.0.1": 1}
    names.zone[NAME] = {A: ["127.0.0.2"]}
    wait_until(lambda: all(c.sock.fileno() < 0 for c in pets[0].open_ones), "the idle connection to be closed")
    assert ask(running, 2) == {"127.0.0.2": 2}


@pytest.mark.parametrize("how", ["empty", "unknown", "refused", "silent"])
def test_the_last_good_answer_holds(gateway, names, pets, how):
    names.zone[NAME] = {A: ["127.0.0.1", "127.0.0.2"]}
    running = by_name(gateway, names, pets)
    assert ask(running, 2) == {"127.0.0.1": 1, "127.0.0.2": 1}
    if how == "empty":
        names.zone[NAME] = {A: []}
    elif how == "unknown":
        del names.zone[NAME]
    else:
        setattr(names, "refuses" if how == "refused" else "silent", True)
    wait_until(lambda: metric(running, "apigw_upstream_discovery_failures_total") > 0, "a failure", 20)
    assert ask(running, 4) == {"127.0.0.1": 2, "127.0.0.2": 2}
    wait_until(lambda: "warn" in running.log, "a word about it")
    assert '"error":' in admin(running, "/upstreams") and running.log.count("warn") == 1
    names.silent = names.refuses = False
    names.zone[NAME] = {A: ["127.0.0.3"]}
    wait_until(lambda: ask(running, 1) == {"127.0.0.3": 1}, "the new answer", 20)
    assert '"error":' not in admin(running, "/upstreams")


def test_no_longer_than_max_age(gateway, names, pets):
    names.zone[NAME] = {A: ["127.0.0.1"]}
    running = by_name(gateway, names, pets, also="refresh: 100ms, max_age: 1s")
    assert ask(running, 1) == {"127.0.0.1": 1}
    del names.zone[NAME]
    has(running, 0)
    answer = running.ask(GET)
    assert answer.status == 503 and b"no target of the upstream is known" in answer.body
    wait_until(lambda: "older than max_age" in running.log, "a word about it")
    names.zone[NAME] = {A: ["127.0.0.2"]}
    wait_until(lambda: targets(running) == 1, "a target again", 20)
    assert ask(running, 1) == {"127.0.0.2": 1}


def test_the_first_requests_wait_for_the_first_answer(gateway, names, pets):
    names.zone[NAME] = {A: ["127.0.0.1"]}
    names.silent = True
    running = by_name(gateway, names, pets)
    with running.client() as client:
        client.send(GET)
        wait_until(lambda: names.asked == [] and client.is_quiet(0.05), "it to wait")
        names.silent = False
        assert client.answer().body == b"127.0.0.1"


def test_they_do_not_wait_for_ever(gateway, names, pets):
    names.silent = True
    running = by_name(gateway, names, pets)
    answer = running.ask(GET)
    assert answer.status == 503 and b"not known yet" in answer.body


def test_a_client_that_leaves_meanwhile_is_forgotten(gateway, names, pets):
    names.silent = True
    running = by_name(gateway, names, pets)
    for _ in range(3):
        client = running.client()
        client.send(GET)
        client.reset()
    wait_until(lambda: connections(running) == (3, 0), "all of them to have come and gone")
    names.zone[NAME] = {A: ["127.0.0.1"]}
    names.silent = False
    wait_until(lambda: targets(running) == 1, "a target", 20)
    assert ask(running, 1) == {"127.0.0.1": 1} and len(pets[0].requests) == 1


def test_a_name_that_is_not_there_does_not_keep_the_gateway_from_starting(gateway, names, pets):
    running = by_name(gateway, names, pets)
    wait_until(lambda: "Domain name not found" in running.log, "a word about it")
    answer = running.ask(GET)
    assert answer.status == 503 and b"no target of the upstream is known" in answer.body
    names.zone[NAME] = {A: ["127.0.0.1"]}
    wait_until(lambda: targets(running) == 1, "a target", 20)
    assert ask(running, 1) == {"127.0.0.1": 1}


def test_the_operator_drains_and_weighs_what_was_found(gateway, names, pets):
    names.zone[NAME] = {A: ["127.0.0.1", "127.0.0.2"]}
    running = by_name(gateway, names, pets)
    ask(running, 1)

    def post(place, query):
        return running.ask_admin(f"/upstreams/{place}?{query}", "POST").status

    assert post("pets/0", "drain=true") < 300 and ask(running, 6) == {"127.0.0.2": 6}
    assert post("pets/0", "drain=false") < 300 and post("pets/1", "weight=3") < 300
    assert ask(running, 8) == {"127.0.0.1": 2, "127.0.0.2": 6}
    names.zone[NAME] = {A: ["127.0.0.1", "127.0.0.3"]}
    wait_until(lambda: "127.0.0.3" in ask(running, 2), "the change")
    assert post("pets/1", "weight=3") == 404, "it has gone"
    assert post("pets/9", "weight=3") == 404


def test_health_checks_follow(gateway, names, pets):
    names.zone[NAME] = {A: ["127.0.0.1", "127.0.0.2"]}
    pets[1].answer = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
    check = "health_check: {path: /health, interval: 100ms, timeout: 100ms, unhealthy_threshold: 1, healthy_threshold: 1}"
    running = by_name(gateway, names, pets, check)
    wait_until(lambda: "127.0.0.2" in running.log and "is sick" in running.log, "a sick target")
    assert ask(running, 6) == {"127.0.0.1": 6}
    names.zone[NAME] = {A: ["127.0.0.1", "127.0.0.3"]}
    wait_until(lambda: "127.0.0.3" in ask(running, 2), "the new one")
    wait_until(lambda: any(r.target == "/health" for r in pets[2].requests), "a check of the new one")
    pets[1].settle()
    checks = len(pets[1].requests)
    before = len(pets[2].requests)
    wait_until(lambda: len(pets[2].requests) > before + 3, "more checks")
    assert len(pets[1].requests) == checks, "who has gone is not asked any more"


@pytest.mark.parametrize("balance", ["least_conn", "random", "peak_ewma", "hash"])
def test_every_balance(gateway, names, pets, balance):
    names.zone[NAME] = {A: ["127.0.0.1", "127.0.0.2"]}
    running = by_name(gateway, names, pets, f"balance: {balance}, slow_start: 1s, outlier_detection: true")
    assert sum(ask(running, 20).values()) == 20
    names.zone[NAME] = {A: ["127.0.0.3"]}
    wait_until(lambda: ask(running, 5) == {"127.0.0.3": 5}, "the only one")
    names.zone[NAME] = {A: ["127.0.0.1", "127.0.0.3"]}
    has(running, 2)
    assert set(ask(running, 50)) <= {"127.0.0.1", "127.0.0.3"}


def test_over_http2(gateway, names, h2_pets):
    names.zone[NAME] = {A: ["127.0.0.1"]}
    running = start(gateway, names, f'dns: "{NAME}:{h2_pets}", refresh: 100ms', "protocol: h2")
    assert running.ask(GET).body == b"127.0.0.1"
    names.zone[NAME] = {A: ["127.0.0.2"]}
    wait_until(lambda: running.ask(GET).body == b"127.0.0.2", "the other one")
    assert running.ask(GET).body == b"127.0.0.2"


@pytest.fixture
def h2_pets(tmp_path):
    """Two nghttpd on one port of two addresses."""
    port = free_ports(1)[0]
    started = []
    for address in "127.0.0.1", "127.0.0.2":
        folder = tmp_path / address
        folder.mkdir()
        (folder / "x").write_text(address)
        started.append(subprocess.Popen(["nghttpd", "--no-tls", "-a", address, "-d", str(folder), str(port)],
                                        stdout=subprocess.DEVNULL))

        def listens():
            with socket.socket() as sock:
                return sock.connect_ex((address, port)) == 0

        wait_until(listens, "nghttpd")
    yield port
    for one in started:
        one.terminate()
        one.wait()


# ---- SRV


def serve_on(address, names, name):
    one = host(address)
    names.zone[name] = {A: [address]}
    return one


@pytest.fixture
def services(names):
    found = [serve_on(f"127.0.0.{i + 1}", names, f"{'abc'[i]}.pets.test") for i in range(3)]
    yield found
    for one in found:
        one.close()


def srv(services, *rows):
    """(priority, weight, which)"""
    return {SRV: [(priority, weight, services[which].port, f"{'abc'[which]}.pets.test")
                  for priority, weight, which in rows]}


SERVICE = "_http._tcp.pets.test"


def test_ports_and_weights_of_srv(gateway, names, services):
    names.zone[SERVICE] = srv(services, (1, 3, 0), (1, 1, 1))
    running = start(gateway, names, f"dns_srv: {SERVICE}")
    assert ask(running, 40) == {"127.0.0.1": 30, "127.0.0.2": 10}
    assert services[0].requests[0]["host"] == f"a.pets.test:{services[0].port}"


def test_weights_of_nought(gateway, names, services):
    """RFC 2782: all nought means nothing; beside others it is the least chance."""
    names.zone[SERVICE] = srv(services, (1, 0, 0), (1, 0, 1))
    running = start(gateway, names, f"dns_srv: {SERVICE}, refresh: 100ms")
    assert ask(running, 10) == {"127.0.0.1": 5, "127.0.0.2": 5}
    names.zone[SERVICE] = srv(services, (1, 0, 0), (1, 9, 1))
    wait_until(lambda: "weights change" in running.log, "other weights")
    assert ask(running, 20) == {"127.0.0.1": 2, "127.0.0.2": 18}


def test_a_higher_priority_waits_until_the_lower_one_is_gone(gateway, names, services):
    names.zone[SERVICE] = srv(services, (10, 1, 0), (20, 1, 1), (30, 1, 2))
    check = "health_check: {interval: 100ms, timeout: 100ms, unhealthy_threshold: 1, healthy_threshold: 1}"
    running = start(gateway, names, f"dns_srv: {SERVICE}, refresh: 100ms", check + ", panic_threshold: 0")
    assert ask(running, 6) == {"127.0.0.1": 6}
    well = services[0].answer
    services[0].answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    wait_until(lambda: running.log.count("is sick") == 1, "the first one to be sick")
    assert ask(running, 6) == {"127.0.0.2": 6}
    services[0].answer = well
    wait_until(lambda: "is well again" in running.log, "the first one to be well")
    assert ask(running, 6) == {"127.0.0.1": 6}
    names.zone[SERVICE] = srv(services, (20, 1, 1), (30, 1, 2))
    has(running, 2)
    wait_until(lambda: ask(running, 4) == {"127.0.0.2": 4}, "the next priority")


def test_retries_go_to_the_next_priority(gateway, names, services):
    names.zone[SERVICE] = srv(services, (10, 1, 0), (20, 1, 1))
    running = start(gateway, names, f"dns_srv: {SERVICE}")
    ask(running, 1)
    services[0].close()
    assert ask(running, 4) == {"127.0.0.2": 4}


def test_a_service_that_is_decidedly_not_there(gateway, names):
    """RFC 2782: the target "." ."""
    names.zone[SERVICE] = {SRV: [(0, 0, 0, "")]}
    running = start(gateway, names, f"dns_srv: {SERVICE}")
    wait_until(lambda: "discovery by dns_srv" in running.log, "a word about it")
    assert running.ask(GET).status == 503


def test_an_answer_that_is_malformed(gateway, names, services):
    names.zone[SERVICE] = srv(services, (1, 1, 0))
    running = start(gateway, names, f"dns_srv: {SERVICE}, refresh: 100ms")
    assert ask(running, 1) == {"127.0.0.1": 1}
    names.garbles = True
    wait_until(lambda: metric(running, "apigw_upstream_discovery_failures_total") > 0, "a failure")
    assert ask(running, 2) == {"127.0.0.1": 2}


def test_more_records_than_there_is_room_for(gateway, names, services):
    names.zone[SERVICE] = {SRV: [(1, 1, 1000 + i, "a.pets.test") for i in range(15)]}
    running = start(gateway, names, f"dns_srv: {SERVICE}")
    has(running, 15)


# ---- dnsmasq


class Dnsmasq:
    """The real one, with hosts from a file that HUP makes it read again."""

    def __init__(self, folder, *args):
        self.hosts = folder / "hosts"
        self.hosts.write_text("")
        self.port = free_ports(1)[0]
        self.address = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(["dnsmasq", "-k", "-C", "/dev/null", "-p", str(self.port), "-a", "127.0.0.1", "--bind-interfaces", "-R",
                                         "-h", "--pid-file=", "--local=/test/", "--local-ttl=1",
                                         f"--addn-hosts={self.hosts}", "--user=root", *args],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def set(self, *lines):
        self.hosts.write_text("".join(line + "\n" for line in lines))
        self.process.send_signal(signal.SIGHUP)

    def __enter__(self):
        def answers():
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", self.port)) == 0
        wait_until(answers, "dnsmasq")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def test_dnsmasq_addresses(gateway, tmp_path, pets):
    """By the TTL alone, which is a second here."""
    with Dnsmasq(tmp_path) as real:
        real.set(f"127.0.0.1 {NAME}", f"127.0.0.2 {NAME}")
        running = start(gateway, real, f'dns: "{NAME}:{pets[0].port}"')
        wait_until(lambda: targets(running) == 2, "two targets", 20)
        assert ask(running, 4) == {"127.0.0.1": 2, "127.0.0.2": 2}
        real.set(f"127.0.0.3 {NAME}")
        wait_until(lambda: ask(running, 2) == {"127.0.0.3": 2}, "the change", 20)
        real.process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: metric(running, "apigw_upstream_discovery_failures_total") > 0, "no answer", 30)
            assert ask(running, 2) == {"127.0.0.3": 2}
        finally:
            real.process.send_signal(signal.SIGCONT)


def test_dnsmasq_services(gateway, tmp_path, services):
    rows = [f"--srv-host={SERVICE},{'abc'[i]}.pets.test,{one.port},10,{2 - i}" for i, one in enumerate(services[:2])]
    hosts = [f"--address=/{'abc'[i]}.pets.test/127.0.0.{i + 1}" for i in range(2)]
    with Dnsmasq(tmp_path, *rows, *hosts) as real:
        running = start(gateway, real, f"dns_srv: {SERVICE}")
        wait_until(lambda: targets(running) == 2, "two targets", 20)
        assert ask(running, 9) == {"127.0.0.1": 6, "127.0.0.2": 3}
