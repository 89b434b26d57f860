"""runtime: what operators turn by a file while the gateway runs, and what a bad file cannot do."""
import json
import os
import re
import signal
import subprocess
import threading

import pytest
from fixtures import build
from http_peer import WAIT, Origin, RawClient, wait_until

DOCUMENT = """
openapi: 3.1.0
info: {title: turned, version: "1"}
security: []
x-gateway:
  version: 1
  runtime: {env: RUNTIME_FILE}
  log: {level: {default: info}}
  maintenance: {default: false, retry_after: 90s}
  admin: {address: "127.0.0.1:0"}
  status: {address: "127.0.0.1:0"}
  upstreams:
    stable: {targets: [{url: "http://127.0.0.1:1"}]}
    canary: {targets: [{url: "http://127.0.0.1:2"}]}
  upstream: {stable: {default: 100, min: 0, max: 100}, canary: {default: 0, min: 0, max: 100}}
  access_log: false
paths:
  /pets:
    get: &any {responses: {default: {description: any}}}
    post: {operationId: addPet, x-gateway: {disabled: {default: false}}, responses: {default: {description: any}}}
  /open: {get: {x-gateway: {maintenance: false}, responses: {default: {description: any}}}}
  /own: {get: {operationId: own, x-gateway: {maintenance: {default: true}}, responses: {default: {description: any}}}}
  /sticky:
    x-gateway: {upstream: {stable: {default: 1}, canary: {default: 0}, $sticky: {cookie: release}}}
    get: *any
  /branch:
    get:
      operationId: branch
      x-gateway:
        route:
          - {match: {headers: {X-Beta: [yes please]}}, upstream: {stable: 1, canary: {default: 0}}}
          - {upstream: stable}
      responses: {default: {description: any}}
  /beta/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    x-gateway: {disabled: {default: true}}
    get: *any
    put: {operationId: putBeta, x-gateway: {disabled: {default: false}}, responses: {default: {description: any}}}
  /any:
    x-gateway:
      any_method: {operationId: rest, x-gateway: {respond: {status: 202}}, responses: {default: {description: any}}}
    get: {operationId: first, x-gateway: {disabled: {default: false}, respond: {status: 200}}, responses: {default: {description: any}}}
  /constant: {get: {operationId: constant, x-gateway: {respond: {status: 204}}, responses: {default: {description: any}}}}
  /away: {get: {operationId: away, x-gateway: {redirect: {location: /pets}}, responses: {default: {description: any}}}}
"""
NAMES = ["maintenance", "log.level", "upstream.stable", "upstream.canary", "addPet.disabled", "own.maintenance",
         "/sticky.upstream.stable", "/sticky.upstream.canary", "branch.route.0.upstream.canary", "/beta/{id}.disabled",
         "putBeta.disabled", "first.disabled"]


class Turned:
    """A gateway with a runtime file that tests write."""

    def __init__(self, gateway, stable, canary, path, workers):
        self.stable, self.canary, self.path = stable, canary, path
        self.gw = gateway(DOCUMENT, "--workers", str(workers), "--upstream", f"stable={stable.url}", "--upstream",
                          f"canary={canary.url}", env={"RUNTIME_FILE": path})
        self.admin = RawClient(self.port("admin"))

    def port(self, what):
        return int(re.search(rf"{what} on \S*:(\d+)", self.gw.log).group(1))

    def get(self, path):
        answer = self.admin.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answer.status == 200
        return answer.body.decode()

    def page(self):
        return json.loads(self.get("/runtime"))

    def value(self, name):
        return {one["name"]: one["value"] for one in self.page()["values"]}[name]

    def metric(self, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics"), re.M).group(1))

    def write(self, text):
        """In one step, as careful editors do it."""
        with open(self.path + ".new", "w") as file:
            file.write(text)
        os.rename(self.path + ".new", self.path)

    def hup(self):
        """Until the log says that it is done."""
        before = self.gw.log.count("reloaded")
        self.gw.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.gw.log.count("reloaded") > before, "the gateway to have read it again")

    def turn(self, text):
        self.write(text)
        self.hup()

    def ask(self, path="/pets", method="GET", fields=""):
        with self.gw.client() as client:
            return client.ask(f"{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")

    def status(self, *words, **more):
        return self.ask(*words, **more).status

    def shares(self, times=20, **more):
        """How many of these requests each upstream got."""
        before = len(self.stable.requests), len(self.canary.requests)
        with self.gw.client() as client:
            for _ in range(times):
                path, fields = more.get("path", "/pets"), more.get("fields", "")
                assert client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n").status == 200
        return len(self.stable.requests) - before[0], len(self.canary.requests) - before[1]


@pytest.fixture
def origins():
    with Origin() as stable, Origin() as canary:
        yield stable, canary


@pytest.fixture
def start(gateway, origins, tmp_path):
    made = []

    def begin(text="", workers=1):
        path = str(tmp_path / "runtime.yaml")
        if text is not None:
            with open(path, "w") as file:
                file.write(text)
        made.append(Turned(gateway, *origins, path, workers))
        return made[-1]

    yield begin
    for one in made:
        one.admin.close()


@pytest.fixture
def turned(start):
    return start()


class Load:
    """Requests on several connections, one after the other, until told to stop."""

    def __init__(self, port, path="/pets", clients=4):
        self.answers, self.problems, self.over = [], [], threading.Event()
        self.era, self.done = 0, [0] * clients  # in which a request was begun; of each client's last answer
        self.threads = [threading.Thread(target=self._run, args=(port, path, one)) for one in range(clients)]

    def _run(self, port, path, one):
        try:
            with RawClient(port) as client:
                while not self.over.is_set():
                    era = self.era
                    self.answers.append(client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
                    self.done[one] = era
        except Exception as problem:  # whatever it is, the test is to say it
            self.problems.append(problem)

    def __enter__(self):
        for one in self.threads:
            one.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for one in self.threads:
            one.join(WAIT)
        assert self.problems == []

    def some_more(self, count=40):
        """Nothing that was begun before is under way afterwards."""
        self.era += 1
        wanted = len(self.answers) + count
        wait_until(lambda: (len(self.answers) >= wanted and min(self.done) == self.era) or self.problems, "more answers")


# ---- weights ----

def test_weights_change_under_load_without_a_failed_request(start):
    turned = start(workers=2)
    with Load(turned.gw.port) as load:
        load.some_more()
        assert len(turned.canary.requests) == 0
        for n in range(6):
            stable, canary = (0, 100) if n % 2 == 0 else (100, 0)
            turned.turn(f"upstream.stable: {stable}\nupstream.canary: {canary}\n")
            load.some_more()
            one, other = (turned.canary, turned.stable) if n % 2 == 0 else (turned.stable, turned.canary)
            resting = len(other.requests)
            before = len(one.requests)
            load.some_more()
            assert len(one.requests) > before and len(other.requests) == resting
        turned.turn("upstream.stable: 50\nupstream.canary: 50\n")
        before = len(turned.stable.requests), len(turned.canary.requests)
        load.some_more(200)
        assert len(turned.stable.requests) > before[0] and len(turned.canary.requests) > before[1]
    assert {answer.status for answer in load.answers} == {200}


def test_a_share_is_what_the_file_says(turned):
    assert turned.shares() == (20, 0)
    turned.turn("upstream.canary: 100\n")
    stable, canary = turned.shares(400)
    assert 120 < canary < 280 and stable + canary == 400
    turned.turn("upstream.canary: 100\nupstream.stable: 0")
    assert turned.shares() == (0, 20)
    turned.turn("")
    assert turned.shares() == (20, 0)


def test_weights_of_a_branch(turned):
    beta = {"path": "/branch", "fields": "X-Beta: yes please\r\n"}
    assert turned.shares(**beta) == (20, 0)
    turned.turn("branch.route.0.upstream.canary: 65535\n")
    assert turned.shares(**beta)[1] >= 19
    assert turned.shares(path="/branch") == (20, 0)


def test_clients_leave_an_upstream_that_has_lost_its_weight(turned):
    cookie = turned.ask("/sticky").fields.one("Set-Cookie").split(";")[0]
    kept = {"path": "/sticky", "fields": f"Cookie: {cookie}\r\n"}
    turned.turn("/sticky.upstream.canary: 1\n")
    assert turned.shares(**kept) == (20, 0)
    turned.turn("/sticky.upstream.canary: 1\n/sticky.upstream.stable: 0\n")
    assert turned.shares(**kept) == (0, 20)


@pytest.mark.parametrize("text", ["upstream.stable: 0\n", "upstream.canary: 0\nupstream.stable: 0\n"])
def test_some_weight_is_left(turned, text):
    """The canary's is 0 by default."""
    turned.turn(text)
    assert "all weights of the choice are 0" in turned.gw.log
    assert turned.shares() == (20, 0)


# ---- switches ----

def test_maintenance_under_load(start):
    turned = start(workers=2)
    with Load(turned.gw.port) as load:
        for n in range(6):
            on = n % 2 == 0
            turned.turn(f"maintenance: {'true' if on else 'false'}\n")
            load.some_more()
            seen = len(load.answers)
            load.some_more()
            assert {answer.status for answer in load.answers[seen:]} == {503 if on else 200}
    away = [answer for answer in load.answers if answer.status != 200]
    assert {answer.fields.one("Retry-After") for answer in away} == {"90"}


def test_maintenance_is_inherited_as_it_would_be(turned):
    def statuses():
        return [turned.status(path) for path in ("/pets", "/open", "/own", "/constant", "/away")]
    assert statuses() == [200, 200, 503, 204, 308]
    turned.turn("maintenance: true\n")
    assert statuses() == [503, 200, 503, 503, 503]
    turned.turn("own.maintenance: false\n")
    assert statuses() == [200, 200, 200, 204, 308]


def test_a_disabled_operation_is_not_there(turned):
    assert [turned.status("/pets", m) for m in ("GET", "POST", "PUT")] == [200, 200, 405]
    assert turned.ask("/pets", "PUT").fields.one("Allow") == "GET, HEAD, POST, OPTIONS"
    turned.turn("addPet.disabled: true\n")
    answer = turned.ask("/pets", "POST")
    assert answer.status == 405 and answer.fields.one("Allow") == "GET, HEAD, OPTIONS"
    assert turned.ask("/pets", "OPTIONS").fields.one("Allow") == "GET, HEAD, OPTIONS"
    assert turned.status("/pets") == 200
    turned.turn("addPet.disabled: false\n")
    assert turned.status("/pets", "POST") == 200


def test_a_disabled_path_is_not_there(turned):
    answers = [turned.ask("/beta/1", m) for m in ("GET", "HEAD", "PUT", "OPTIONS")]
    assert [answer.status for answer in answers] == [405, 405, 200, 204]
    assert answers[0].fields.one("Allow") == "PUT, OPTIONS"
    turned.turn("/beta/{id}.disabled: false\n")
    assert [turned.status("/beta/1", m) for m in ("GET", "HEAD", "PUT")] == [200, 200, 200]
    turned.turn("putBeta.disabled: true\n")
    assert [turned.status("/beta/1", m) for m in ("GET", "HEAD", "PUT", "OPTIONS")] == [404] * 4
    assert turned.status("/beta") == 404


def test_the_other_methods_take_over_what_is_disabled(turned):
    assert [turned.status("/any", m) for m in ("GET", "HEAD", "POST")] == [200, 200, 202]
    turned.turn("first.disabled: true\n")
    assert [turned.status("/any", m) for m in ("GET", "HEAD", "POST")] == [202, 202, 202]


def test_all_operations_are_disabled_at_once(gateway, tmp_path):
    """But for those that say otherwise."""
    path = tmp_path / "runtime.yaml"
    path.write_text("disabled: true\n")
    gw = gateway("""
openapi: 3.1.0
info: {title: off, version: "1"}
security: []
x-gateway: {runtime: {env: RUNTIME_FILE}, disabled: {default: false}, respond: {status: 200}, access_log: false}
paths:
  /a: {get: &any {responses: {default: {description: any}}}}
  /b/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: *any
    post: {x-gateway: {disabled: false}, responses: {default: {description: any}}}
""", "--workers", "1", env={"RUNTIME_FILE": str(path)})
    with gw.client() as client:
        asked = [client.ask(f"{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")
                 for method, target in (("GET", "/a"), ("OPTIONS", "/a"), ("GET", "/b/1"), ("POST", "/b/1"))]
    assert [answer.status for answer in asked] == [404, 404, 405, 200]
    assert asked[2].fields.one("Allow") == "POST, OPTIONS"


def test_what_is_not_there_is_counted_as_no_route(turned):
    turned.turn("addPet.disabled: true\n")
    assert turned.status("/pets", "POST") == 405
    wait_until(lambda: 'apigw_http_requests_total{route="none",method="POST",status="4xx"} 1' in turned.get("/metrics"),
               "the request to be counted")
    assert 'route="addPet"' not in turned.get("/metrics")


# ---- the log's level ----

def test_the_log_says_as_much_as_the_file_wants(turned):
    turned.write("log.level: error\n")
    turned.gw.process.send_signal(signal.SIGHUP)
    wait_until(lambda: turned.value("log.level") == "error", "the level to be taken")
    heard = turned.gw.log.count("reloaded")
    turned.gw.process.send_signal(signal.SIGHUP)
    turned.write("log.level: loud\n")
    turned.gw.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "must be debug, info, warn or error" in turned.gw.log, "the error")
    assert turned.gw.log.count("reloaded") == heard and turned.value("log.level") == "error"
    turned.write("log.level: debug\n")
    turned.gw.process.send_signal(signal.SIGHUP)
    wait_until(lambda: turned.gw.log.count("reloaded") > heard, "the log to say more")
    assert turned.metric('apigw_runtime_value{name="log.level"}') == 0


def test_the_level_holds_from_the_start(start):
    turned = start("log.level: error\n")
    turned.gw.process.send_signal(signal.SIGHUP)
    turned.write("log.level: 1\n")
    turned.gw.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "'log.level' must be" in turned.gw.log, "the bad file to be read")
    assert "reloaded" not in turned.gw.log


# ---- files ----

BAD = [
    ("maintenance: perhaps\n", 1, "'maintenance' must be true or false"),
    ("maintenance: 1\n", 1, "'maintenance' must be true or false"),
    ("# so\nmaintenance: false\nupstream.canary: 101\n", 3, "'upstream.canary' must be a number from 0 to 100"),
    ("upstream.canary: -1\n", 1, "'upstream.canary' must be a number from 0 to 100"),
    ("upstream.canary: '5'\n", 1, "'upstream.canary' must be a number from 0 to 100"),
    ("maintenance: false\nmaintainance: true\n", 2, "no value is called 'maintainance'"),
    ("getPets.maintenance: true\n", 1, "no value is called 'getPets.maintenance'"),
    ("upstream: {canary: 5}\n", 1, "no value is called 'upstream'"),
    ("- maintenance\n", 1, "it must be a map of names and values"),
    ("maintenance: false\nmaintenance: true\n", 2, "a key stands twice"),
    ("maintenance: false\n  x: [\n", 2, "mapping values are not allowed in this context"),
    ("{\"maintenance\": false,\n \"upstream.canary\": null}", 2, "'upstream.canary' must be a number from 0 to 100"),
    ("maintenance: &a false\n", 1, "anchors and tags have no meaning here"),
]


@pytest.mark.parametrize("text, line, what", BAD)
def test_a_bad_file_changes_nothing(turned, text, line, what):
    turned.turn("maintenance: true\nupstream.canary: 7\n")
    before = turned.page()
    turned.turn(text)
    assert f"keeping the old values: runtime: {turned.path}:{line}: {what}\n" in turned.gw.log
    assert turned.page() == before and turned.status() == 503
    assert turned.metric("apigw_runtime_errors_total") == 1
    turned.turn("maintenance: false\n")
    assert turned.status() == 200 and turned.value("upstream.canary") == 0
    assert turned.metric("apigw_runtime_errors_total") == 1


@pytest.mark.parametrize("text, line, what", BAD)
def test_a_gateway_does_not_start_with_a_bad_file(build_cache, tmp_path, text, line, what):
    path = tmp_path / "runtime.yaml"
    path.write_text(text)
    binary = build(build_cache, DOCUMENT)
    for words in (["--listen", "127.0.0.1:0"], ["--check"]):
        done = subprocess.run([binary, *words], capture_output=True, text=True, timeout=WAIT * 3, cwd=tmp_path,
                              env={**os.environ, "RUNTIME_FILE": str(path)})
        assert done.returncode == 1 and f"runtime: {path}:{line}: {what}" in done.stderr, done.stderr


@pytest.mark.parametrize("value, what", [(None, "environment variable RUNTIME_FILE is not set"),
                                         ("", "'' is not the whole path of a file"),
                                         ("runtime.yaml", "'runtime.yaml' is not the whole path of a file"),
                                         ("/tmp", "cannot read /tmp: Is a directory")])
def test_a_gateway_does_not_start_without_a_file_to_name(build_cache, tmp_path, value, what):
    env = {name: text for name, text in os.environ.items() if name != "RUNTIME_FILE"}
    if value is not None:
        env["RUNTIME_FILE"] = value
    done = subprocess.run([build(build_cache, DOCUMENT), "--check"], capture_output=True, text=True, timeout=WAIT * 3,
                          cwd=tmp_path, env=env)
    assert done.returncode == 1 and f"runtime: {what}" in done.stderr, done.stderr


def test_a_file_that_is_not_there_overrides_nothing(start):
    turned = start(None)
    turned.hup()
    turned.hup()
    told = f"{turned.path} is not there, so nothing is overridden"
    assert turned.gw.log.count(told) == 1
    assert turned.status() == 200 and not any(one["overridden"] for one in turned.page()["values"])
    turned.write("maintenance: true\n")
    wait_until(lambda: turned.value("maintenance"), "the new file to be read")
    assert turned.status() == 503
    os.unlink(turned.path)
    wait_until(lambda: not turned.value("maintenance"), "the file to be missed")
    wait_until(lambda: turned.gw.log.count(told) == 2, "the log to say so")
    assert turned.status() == 200
    assert turned.metric("apigw_runtime_errors_total") == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_bad_one(turned):
    turned.turn("maintenance: true\n")
    os.chmod(turned.path, 0)
    wait_until(lambda: "Permission denied" in turned.gw.log, "the error")
    assert turned.status() == 503
    os.chmod(turned.path, 0o600)


def test_it_is_read_when_it_has_changed(turned):
    turned.write("maintenance: true\n")
    wait_until(lambda: turned.value("maintenance"), "the file to be read")
    assert turned.status() == 503
    with open(turned.path, "w") as file:
        file.write("maintenance: false # in place\n")
    wait_until(lambda: not turned.value("maintenance"), "the file to be read again")
    turned.write("maintenance: nothing of the kind\n")
    wait_until(lambda: turned.metric("apigw_runtime_errors_total") == 1, "the bad file to be read")
    wait_until(lambda: turned.gw.log.count("keeping the old values") == 1, "the log to say so")


def test_a_directory_that_is_swapped_below_it(start, tmp_path):
    """As Kubernetes does with what it mounts: ..data changes, and no file that is looked at does."""
    def publish(name, text):
        (tmp_path / name).mkdir()
        (tmp_path / name / "runtime.yaml").write_text(text)
        os.symlink(name, tmp_path / "..data_tmp")
        os.rename(tmp_path / "..data_tmp", tmp_path / "..data")

    publish("..first", "maintenance: true\n")
    os.symlink("..data/runtime.yaml", tmp_path / "runtime.yaml")
    turned = start(None)
    assert turned.status() == 503
    publish("..second", "upstream.canary: 3\n")
    wait_until(lambda: turned.value("upstream.canary") == 3, "the swapped directory to be seen")
    assert turned.status() == 200


def test_json_will_do(turned):
    turned.turn(json.dumps({"maintenance": True, "upstream.canary": 4, "log.level": "debug"}, indent=1))
    assert turned.value("maintenance") is True and turned.value("upstream.canary") == 4
    turned.turn('{"maintenance": false,\n "own.maintenance": 0}')
    assert f"{turned.path}:2: 'own.maintenance' must be true or false\n" in turned.gw.log
    assert turned.value("maintenance") is True


# ---- telling ----

def test_every_change_is_told(start):
    turned = start("upstream.canary: 2\n")
    assert "runtime: upstream.canary is now 2, was 0\n" in turned.gw.log
    turned.turn("maintenance: true\nupstream.canary: 3\n")
    assert "runtime: maintenance is now true, was false\n" in turned.gw.log
    assert "runtime: upstream.canary is now 3, was 2\n" in turned.gw.log
    told = turned.gw.log.count("runtime: ")
    turned.turn("# the same\nmaintenance: true\nupstream.canary: 3\n")
    assert turned.gw.log.count("runtime: ") == told


def test_metrics(start):
    turned = start("own.maintenance: false\n")
    assert turned.metric('apigw_runtime_value{name="own.maintenance"}') == 0
    assert turned.metric('apigw_runtime_value{name="upstream.stable"}') == 100
    assert turned.metric('apigw_runtime_value{name="log.level"}') == 1
    assert turned.metric('apigw_runtime_value{name="/beta/{id}.disabled"}') == 1
    assert [turned.metric(f"apigw_runtime_{name}_total") for name in ("updates", "errors")] == [1, 0]
    turned.turn("upstream.stable: 7\n")
    turned.turn("# no change\nupstream.stable: 7\n")
    assert turned.metric('apigw_runtime_value{name="upstream.stable"}') == 7
    assert turned.metric('apigw_runtime_value{name="own.maintenance"}') == 1
    turned.turn("upstream.stable: 700\n")
    done = subprocess.run(["promtool", "check", "metrics"], input=turned.get("/metrics"), capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0 and not done.stderr + done.stdout, done.stderr + done.stdout
    assert [turned.metric(f"apigw_runtime_{name}_total") for name in ("updates", "errors")] == [2, 1]


def test_the_page(start):
    turned = start("upstream.canary: 0\nlog.level: warn\n")
    page = turned.page()
    assert page["file"] == turned.path and [one["name"] for one in page["values"]] == NAMES
    values = {one.pop("name"): one for one in page["values"]}
    assert values["maintenance"] == {"default": False, "value": False, "overridden": False}
    assert values["log.level"] == {"default": "info", "value": "warn", "overridden": True}
    assert values["upstream.canary"] == {"default": 0, "min": 0, "max": 100, "value": 0, "overridden": True}
    assert values["branch.route.0.upstream.canary"] == {"default": 0, "min": 0, "max": 65535, "value": 0, "overridden": False}


def test_the_page_is_for_reading_and_private(turned):
    answer = turned.admin.ask("POST /runtime HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert answer.status == 405 and answer.fields.one("Allow") == "GET, HEAD"
    with RawClient(turned.port("status")) as client:
        assert client.ask("GET /runtime HTTP/1.1\r\nHost: a\r\n\r\n").status == 404


def test_a_gateway_without_it_has_nothing_of_it(gateway, build_cache):
    document = """
openapi: 3.1.0
info: {title: fixed, version: "1"}
security: []
x-gateway: {admin: {address: "127.0.0.1:0"}}
paths: {/x: {get: {x-gateway: {respond: {status: 200}}, responses: {default: {description: any}}}}}
"""
    gw = gateway(document)
    with RawClient(int(re.search(r"admin on \S*:(\d+)", gw.log).group(1))) as client:
        assert client.ask("GET /runtime HTTP/1.1\r\nHost: a\r\n\r\n").status == 404
        assert b"apigw_runtime" not in client.ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").body
    with open(build(build_cache, document), "rb") as file:
        content = file.read()
    for trace in (b"apigw_runtime", b"must be true or false", b"yaml_parser"):
        assert trace not in content
    with open(build(build_cache, DOCUMENT), "rb") as file:
        assert b"apigw_runtime" in file.read()


def test_replacing_takes_the_file_along(turned):
    """The successor reads it for itself."""
    turned.turn("maintenance: true\n")
    turned.gw.process.send_signal(signal.SIGUSR2)
    wait_until(lambda: "has taken over" in turned.gw.log, "the successor")
    pid = int(re.search(r"process (\d+) has taken over", turned.gw.log).group(1))
    try:
        with RawClient(turned.gw.ports[-1]) as client:
            assert client.ask("GET /pets HTTP/1.1\r\nHost: a\r\n\r\n").status == 503
    finally:
        os.kill(pid, signal.SIGINT)
    turned.admin.close()
    wait_until(lambda: turned.gw.process.poll() is not None, "the old one to end", WAIT * 3)
