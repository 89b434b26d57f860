"""discovery from files: targets as an upstream has them, and Envoy's endpoints; zones, priorities and subsets of what
was found; files that are replaced, swapped by a link, half written, wrong, or gone."""
import json
import os
import socket

import pytest
from http_peer import Origin, wait_until
from numbered import ask_numbers as ask, numbered_origins

DOCUMENT = """
openapi: 3.1.0
info: {{title: files, version: "1"}}
security: []
x-gateway:
  version: 1
  zone: {{env: ZONE, default: ""}}
  admin: {{address: "127.0.0.1:0"}}
  upstreams:
    pets:
      discovery: {{{source}, refresh: 100ms}}
      subsets: {{v1: {{labels: {{version: v1}}}}, v2: {{labels: {{version: v2}}}}}}
  upstream: pets
  access_log: false
  timeouts: {{connect: 1s}}
paths:
  /x: {{get: &any {{responses: {{default: {{description: any}}}}}}}}
  /v1: {{x-gateway: {{upstream: "pets:v1"}}, get: *any}}
  /both: {{x-gateway: {{upstream: {{"pets:v1": 1, "pets:v2": 1}}}}, get: *any}}
"""


@pytest.fixture
def pets():
    with numbered_origins(3) as origins:
        yield origins


@pytest.fixture
def file(tmp_path):
    """What replaces the file as one step, as whoever writes it should."""
    path = tmp_path / "targets"

    def write(text):
        new = tmp_path / "new"
        new.write_text(text if isinstance(text, str) else json.dumps(text))
        os.rename(new, path)

    write.path = path
    return write


def start(gateway, file, source="file", zone="", workers="1"):
    said = {"file": f"file: {file.path}", "eds": f"eds: {{path: {file.path}}}",
            "service": f"eds: {{path: {file.path}, service_name: other}}"}[source]
    return gateway(DOCUMENT.format(source=said), "--workers", workers, env={"ZONE": zone})


def page(running):
    return json.loads(running.ask_admin("/upstreams").body)[0]


def updates(running):
    return page(running)["discovery"]["updates"]


def failures(running):
    return page(running)["discovery"]["failures"]


def change(running, file, text):
    before = updates(running)
    file(text)
    wait_until(lambda: updates(running) > before, "the change")


def yaml(pets, *rows):
    lines = "".join(f"  - {{url: \"{pets[which].url}\"{', ' if more else ''}{more}}}\n" for which, more in rows)
    return "targets:\n" + (lines or "  []\n")


def test_yaml_with_weights(gateway, file, pets):
    file(yaml(pets, (0, "weight: 3"), (1, "")))
    running = start(gateway, file)
    assert ask(running, 40) == {0: 30, 1: 10}
    change(running, file, yaml(pets, (0, "weight: 1"), (1, "")))
    assert ask(running, 40) == {0: 20, 1: 20}
    wait_until(lambda: "weights change" in running.log, "a word about it")
    change(running, file, yaml(pets, (2, "")))
    assert ask(running, 4) == {2: 4}


def test_json(gateway, file, pets):
    file({"targets": [{"url": pets[0].url}, {"url": pets[1].url, "weight": 1, "labels": {"version": "v1"}}]})
    running = start(gateway, file)
    assert ask(running, 4) == {0: 2, 1: 2} and ask(running, 2, "/v1") == {1: 2}


def test_unix_sockets_and_paths(gateway, file, pets, tmp_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "sock"))
    listener.listen()
    with Origin(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n7", listener) as local:
        file(f'targets: [{{url: "{local.url}"}}]')
        running = start(gateway, file)
        assert ask(running, 2) == {7: 2}
        change(running, file, f'targets: [{{url: "{pets[1].url}/v2/"}}]')
        assert ask(running, 2) == {1: 2} and pets[1].requests[0].target == "/v2/x"


def test_subsets(gateway, file, pets):
    file(yaml(pets, (0, "labels: {version: v1, tier: fast}"), (1, "labels: {version: v2}"), (2, "")))
    running = start(gateway, file)
    assert ask(running, 6, "/v1") == {0: 6}
    both = ask(running, 60, "/both")
    assert set(both) == {0, 1} and min(both.values()) > 10
    assert ask(running, 6) == {0: 2, 1: 2, 2: 2}
    change(running, file, yaml(pets, (1, "labels: {version: v2}"), (2, "labels: {version: v1}")))
    assert ask(running, 6, "/v1") == {2: 6}
    change(running, file, yaml(pets, (1, "labels: {version: v2}")))
    assert ask(running, 2, "/v1") == {503: 2} and ask(running, 2) == {1: 2}


def test_the_own_zone_first(gateway, file, pets):
    file(yaml(pets, (0, "zone: a"), (1, "zone: b"), (2, "zone: a")))
    assert ask(start(gateway, file, zone="a"), 10) == {0: 5, 2: 5}
    assert ask(start(gateway, file, zone="b"), 10) == {1: 10}
    assert ask(start(gateway, file, zone="c"), 9) == {0: 3, 1: 3, 2: 3}, "nobody is near"
    assert ask(start(gateway, file), 9) == {0: 3, 1: 3, 2: 3}, "nobody knows"


def test_the_own_zone_is_left_as_far_as_it_cannot_bear_it(gateway, file, pets):
    """Half of its weight takes nothing: 7/10 of the requests stay."""
    file(yaml(pets, (0, "zone: a"), (1, "zone: b"), (2, "zone: a, priority: 0")))
    running = start(gateway, file, zone="a")
    pets[2].close()
    ask(running, 10)
    assert set(ask(running, 10)) == {0}, "nobody has said that the other one is sick"
    change(running, file, yaml(pets, (1, "zone: b")))
    assert ask(running, 4) == {1: 4}, "none is left there"


def test_backups(gateway, file, pets):
    file(yaml(pets, (0, ""), (1, "priority: 1"), (2, "priority: 2")))
    running = start(gateway, file)
    assert ask(running, 5) == {0: 5}
    change(running, file, yaml(pets, (1, "priority: 1"), (2, "priority: 2")))
    assert ask(running, 5) == {1: 5}
    pets[1].close()
    assert ask(running, 5) == {2: 5}


WRONG = [
    ("targets: [", "did not find expected node content"),
    ("targets: {}", "a list named 'targets' is missing"),
    ("[]", "a list named 'targets' is missing"),
    ("", "a list named 'targets' is missing"),
    ("targets: []", "the answer has no target"),
    ('targets: [{url: "http://127.0.0.1:1"}]\nmore: 1', "'more' is no key here"),
    ("targets: [7]", "a target is a map with a 'url'"),
    ("targets: [{weight: 7}]", "a target is a map with a 'url'"),
    ('targets: [{url: "https://a"}]', "'url' is http://HOST"),
    ('targets: [{url: "http://a b"}]', "'url' is http://HOST"),
    ('targets: [{url: "http://a/b\\r\\nX: y"}]', "'url' is http://HOST"),
    ('targets: [{url: "http://a", weight: 65536}]', "'weight' is a number up to 65535"),
    ('targets: [{url: "http://a", weight: "1"}]', "'weight' is a number up to 65535"),
    ('targets: [{url: "http://a", zone: []}]', "'zone' is a text"),
    ('targets: [{url: "http://a", labels: [x]}]', "'labels' is a map of names and values"),
    ('targets: [{url: "http://a", labels: {x: {}}}]', "the value of a label is a text"),
    ('targets: [{url: "http://a", wieght: 1}]', "'wieght' is no key here"),
    ('targets: [{url: "http://a", url: "http://b"}]', "a key stands twice"),
]


@pytest.mark.parametrize("text,why", WRONG)
def test_a_wrong_file_changes_nothing(gateway, file, pets, text, why):
    file(yaml(pets, (0, ""), (1, "")))
    running = start(gateway, file)
    assert ask(running, 2) == {0: 1, 1: 1}
    file(text)
    wait_until(lambda: failures(running) == 1, "a failure")
    error = page(running)["discovery"]["error"]
    assert why in error and ("no target" in why or f"{file.path}:" in error)
    wait_until(lambda: why in running.log, "a word about it")
    assert ask(running, 2) == {0: 1, 1: 1}
    change(running, file, yaml(pets, (2, "")))
    assert ask(running, 2) == {2: 2} and "error" not in page(running)["discovery"]


def test_a_file_that_comes_later_and_one_that_goes(gateway, file, pets):
    running = start(gateway, file)
    wait_until(lambda: "No such file" in running.log, "a word about it")
    assert ask(running, 1) == {503: 1}
    change(running, file, yaml(pets, (0, "")))
    assert ask(running, 1) == {0: 1}
    os.unlink(file.path)
    wait_until(lambda: failures(running) == 2, "a failure")
    assert ask(running, 2) == {0: 2}


def test_a_link_that_is_swapped(gateway, file, pets, tmp_path):
    """As Kubernetes mounts a ConfigMap."""
    for name, which in ("one", 0), ("two", 1):
        (tmp_path / name).mkdir()
        (tmp_path / name / "targets").write_text(yaml(pets, (which, "")))
    os.symlink("one", tmp_path / "..data")
    os.symlink("..data/targets", file.path)
    running = start(gateway, file)
    assert ask(running, 2) == {0: 2}
    before = updates(running)
    os.symlink("two", tmp_path / "..tmp")
    os.rename(tmp_path / "..tmp", tmp_path / "..data")
    wait_until(lambda: updates(running) > before, "the change")
    assert ask(running, 2) == {1: 2}


@pytest.mark.parametrize("workers", ["2"])
def test_every_worker_goes_by_it(gateway, file, pets, workers):
    file(yaml(pets, (0, "")))
    running = start(gateway, file, workers=workers)
    before = updates(running)
    clients = [running.client() for _ in range(12)]
    get = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
    assert {c.ask(get).body for c in clients} == {b"0"}
    file(yaml(pets, (1, ""), (2, "")))
    wait_until(lambda: updates(running) > before, "the change")
    wait_until(lambda: all(c.sock.fileno() < 0 for c in pets[0].open_ones), "its connections to be closed")
    assert {c.ask(get).body for c in clients} == {b"1", b"2"}
    for client in clients:
        client.close()


def test_more_targets_than_there_are_places(gateway, file, pets):
    """With subsets there are 64; those that do not fit come when there is room."""
    many = [{"url": f"http://127.0.0.1:{1000 + i}", "weight": 0} for i in range(70)]
    file({"targets": many + [{"url": pets[0].url}]})
    running = start(gateway, file)
    wait_until(lambda: "7 targets are left out" in running.log, "a word about it")
    assert len(page(running)["targets"]) == 64 and ask(running, 1) == {503: 1}
    change(running, file, {"targets": many[:63] + [{"url": pets[0].url}]})
    wait_until(lambda: ask(running, 1) == {0: 1}, "the last one")


def test_many_changes_leave_nothing_behind(gateway, file, pets):
    file(yaml(pets, (0, "")))
    running = start(gateway, file)
    for i in range(30):
        change(running, file, yaml(pets, (i % 2, f"zone: z{i}"), (2, f"zone: z{i}")))
        assert set(ask(running, 4)) == {i % 2, 2}
    assert len(page(running)["targets"]) == 2
    assert max(t["index"] for t in page(running)["targets"]) < 16, "places are used again"


# ---- Envoy's endpoints


def address(one):
    return {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": one.port}}}}


def assignment(*localities, name="pets"):
    return {"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "cluster_name": name,
            "endpoints": list(localities)}


def locality(*endpoints, **more):
    return {"lb_endpoints": list(endpoints), **more}


def test_endpoints_of_a_response(gateway, file, pets):
    file({"version_info": "0", "resources": [
        assignment(locality(address(pets[2])), name="other"),
        assignment(locality({**address(pets[0]), "load_balancing_weight": 3}, address(pets[1])))]})
    running = start(gateway, file, "eds")
    assert ask(running, 40) == {0: 30, 1: 10}
    assert ask(start(gateway, file, "service"), 2) == {2: 2}


def test_endpoints_alone_in_yaml_and_camel_case(gateway, file, pets):
    file(f"""
clusterName: pets
endpoints:
- priority: 1
  lbEndpoints:
  - endpoint: {{address: {{socketAddress: {{address: 127.0.0.1, portValue: {pets[1].port}}}}}}}
- locality: {{region: eu, zone: eu-1a}}
  lbEndpoints:
  - endpoint: {{address: {{socketAddress: {{address: 127.0.0.1, portValue: {pets[0].port}}}}}}}
    loadBalancingWeight: 2
    healthStatus: HEALTHY
""")
    running = start(gateway, file, "eds")
    assert ask(running, 4) == {0: 4}


def test_who_is_sick_is_left_out(gateway, file, pets):
    file(assignment(locality({**address(pets[0]), "health_status": "UNHEALTHY"},
                             {**address(pets[1]), "health_status": "DRAINING"}, address(pets[2]))))
    assert ask(start(gateway, file, "eds"), 3) == {2: 3}


def test_zones_priorities_and_labels_of_endpoints(gateway, file, pets):
    labels = {"metadata": {"filter_metadata": {"envoy.lb": {"version": "v1", "n": 1}}}}
    file(assignment(locality(address(pets[0]), locality={"zone": "a"}),
                    locality({**address(pets[1]), **labels}, locality={"zone": "b"}),
                    locality(address(pets[2]), priority=1)))
    running = start(gateway, file, "eds", zone="a")
    assert ask(running, 4) == {0: 4} and ask(running, 4, "/v1") == {1: 4}


@pytest.mark.parametrize("text,why", [
    ({"resources": []}, "no ClusterLoadAssignment is of cluster 'pets'"),
    (assignment(name="cats"), "no ClusterLoadAssignment is of cluster 'pets'"),
    (assignment(), "the answer has no target"),
    (assignment(locality({"endpoint": {}})), "an endpoint has no socket_address.address"),
    (assignment(locality({"endpoint": {"address": {"socket_address": {"address": "a b", "port_value": 1}}}})),
     "an endpoint has no socket_address.address"),
    (assignment(locality({"endpoint": {"address": {"socket_address": {"address": "a", "port_value": 0}}}})),
     "an endpoint has no socket_address.port_value"),
    (assignment(locality({"endpoint": {"address": {"socket_address": {
        "address": "a", "port_value": 1, "protocol": "UDP"}}}})), "an endpoint's protocol is not TCP"),
    (assignment(locality({"endpoint": {"address": {"pipe": {"path": ""}}}})), "an endpoint has no pipe.path"),
    (assignment(locality(priority=129)), "'priority' is a number up to 128"),
    ('{"cluster_name": "pets"', ""),
])
def test_wrong_endpoints_change_nothing(gateway, file, pets, text, why):
    file(assignment(locality(address(pets[0]))))
    running = start(gateway, file, "eds")
    assert ask(running, 1) == {0: 1}
    file(text)
    wait_until(lambda: failures(running) == 1, "a failure")
    assert why in page(running)["discovery"]["error"] and ask(running, 2) == {0: 2}
