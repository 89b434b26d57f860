"""discovery by Consul: blocking queries to an agent's /v1/health/service, its answers, faults and indexes. The agent is
a stand-in that answers as Consul's documentation of the API says."""
import json
import socket
import threading

import pytest
from consul import Consul, entry
from http_peer import Origin, wait_until
from numbered import ask_numbers as ask, numbered_origins

DOCUMENT = """
openapi: 3.1.0
info: {{title: consul, version: "1"}}
security: []
x-gateway:
  version: 1
  admin: {{address: "127.0.0.1:0"}}
  upstreams:
    agent: {{targets: [{{url: "{agent}"}}]}}
    pets:
      discovery: {{consul: {{upstream: agent, service: pets{more}}}{also}}}
      subsets: {{v1: {{labels: {{version: v1}}}}, fast: {{labels: {{tier: fast}}}}}}
  upstream: pets
  access_log: false
  timeouts: {{connect: 1s}}
paths:
  /x: {{get: &any {{responses: {{default: {{description: any}}}}}}}}
  /v1: {{x-gateway: {{upstream: "pets:v1"}}, get: *any}}
  /fast: {{x-gateway: {{upstream: "pets:fast"}}, get: *any}}
"""
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def pets():
    with numbered_origins(3) as origins:
        yield origins


@pytest.fixture
def agent():
    with Consul() as one:
        yield one


def start(gateway, agent, more="", also="", env=None, path=""):
    return gateway(DOCUMENT.format(agent=agent.url + path, more=more, also=also), "--workers", "1", env=env)


def page(running):
    return json.loads(running.ask_admin("/upstreams").body)[1]


def at(one, **more):
    return entry("127.0.0.1", one.port, **more)


def change(running, agent, *entries, **said):
    before = page(running)["discovery"]["updates"]
    agent.set(*entries, **said)
    wait_until(lambda: page(running)["discovery"]["updates"] > before, "the change")


def failure(running, before=0):
    wait_until(lambda: page(running)["discovery"]["failures"] > before, "a failure")
    return page(running)["discovery"]["error"]


def test_instances_are_targets_and_changes_come_at_once(gateway, agent, pets):
    agent.entries = [at(pets[0], weight=3), at(pets[1])]
    running = start(gateway, agent)
    assert ask(running, 40) == {0: 30, 1: 10}
    change(running, agent, at(pets[2]))
    assert ask(running, 4) == {2: 4}
    change(running, agent, at(pets[0]), at(pets[2]))
    assert ask(running, 4) == {0: 2, 2: 2}
    path, asked, request = agent.questions[0]
    assert path == "/v1/health/service/pets" and asked["passing"] == "1" and asked["index"] == "0"
    assert [q[1]["index"] for q in agent.questions][1:3] == ["10", "11"]
    assert asked["wait"] == "60000ms" and request["host"] == agent.url.removeprefix("http://")
    assert agent.origin.connections == 1, "one connection is used again"


def test_all_that_may_be_said(gateway, agent, pets):
    agent.entries = [at(pets[0])]
    running = start(gateway, agent, ', tag: "a&b=c", datacenter: "eu 1", token: {env: CONSUL_HTTP_TOKEN}',
                    ", refresh: 5s", {"CONSUL_HTTP_TOKEN": "s3cr3t"}, "/prefix")
    assert ask(running, 1) == {0: 1}
    path, asked, request = agent.questions[0]
    assert path == "/prefix/v1/health/service/pets" and asked["tag"] == "a&b=c" and asked["dc"] == "eu 1"
    assert asked["wait"] == "5000ms" and request["x-consul-token"] == "s3cr3t"
    assert "s3cr3t" not in running.log


def test_the_token_is_read_anew_for_each_question(gateway, agent, pets, tmp_path):
    token = tmp_path / "token"
    token.write_text("one\n")
    agent.entries = [at(pets[0])]
    running = start(gateway, agent, f", token: {{file: {token}}}")
    ask(running, 1)
    token.write_text("two\n")
    change(running, agent, at(pets[1]))
    wait_until(lambda: len(agent.questions) > 2, "another question")
    assert [q[2]["x-consul-token"] for q in agent.questions][0] == "one"
    assert agent.questions[-1][2]["x-consul-token"] == "two"


@pytest.mark.parametrize("token,why", [(None, "No such file"), ("a b\n", "bytes that no token has"),
                                       ("a\r\nX: y", "bytes that no token has")])
def test_a_token_that_is_none(gateway, agent, pets, tmp_path, token, why):
    """Fails closed: the question is not asked without it."""
    if token is not None:
        (tmp_path / "token").write_text(token)
    running = start(gateway, agent, f", token: {{file: {tmp_path / 'token'}}}")
    assert why in failure(running) and agent.questions == [] and ask(running, 1) == {503: 1}


def test_labels_from_meta_and_tags(gateway, agent, pets):
    agent.entries = [at(pets[0], meta={"version": "v1"}), at(pets[1], tags=["tier=fast", "plain"]), at(pets[2])]
    running = start(gateway, agent)
    assert ask(running, 4, "/v1") == {0: 4} and ask(running, 4, "/fast") == {1: 4}
    assert ask(running, 6) == {0: 2, 1: 2, 2: 2}


def test_the_address_of_the_node(gateway, agent, pets):
    agent.entries = [entry(None, pets[1].port, node="127.0.0.1")]
    assert ask(start(gateway, agent), 2) == {1: 2}


WRONG = [
    ({"text": b"no json"}, "the answer is no JSON array: "),
    ({"text": b"{}"}, "the answer is no JSON array"),
    ({"text": b"[{}]"}, "has no address or port"),
    ({"text": json.dumps([entry("a b", 1)]).encode()}, "has no address or port"),
    ({"text": json.dumps([entry("a", 0)]).encode()}, "has no address or port"),
    ({"text": json.dumps([entry("a", 65536)]).encode()}, "has no address or port"),
    ({"text": b"[]"}, "the answer has no target"),
    ({"text": b"[" + b" " * 5 * 1024 * 1024 + b"]"}, "the answer is too long"),
    ({"status": 500}, "agent answers 500"),
    ({"status": 403}, "agent answers 403"),
]


@pytest.mark.parametrize("said,why", WRONG)
def test_a_wrong_answer_changes_nothing(gateway, agent, pets, said, why):
    agent.entries = [at(pets[0])]
    running = start(gateway, agent)
    assert ask(running, 1) == {0: 1}
    agent.set(at(pets[1]), **said)
    assert why in failure(running) and ask(running, 2) == {0: 2}
    change(running, agent, at(pets[2]), status=200, text=None)
    assert ask(running, 2) == {2: 2} and "error" not in page(running)["discovery"]


def test_an_agent_that_goes_and_comes_back(gateway, agent, pets):
    agent.entries = [at(pets[0])]
    running = start(gateway, agent)
    assert ask(running, 1) == {0: 1}
    agent.set(at(pets[0]))
    address = agent.origin.listener.getsockname()
    agent.origin.close()
    agent.set(at(pets[0]))
    assert failure(running) and ask(running, 2) == {0: 2}
    with Consul(at(pets[1])) as other:
        other.origin.close()
        other.origin = Origin(other._answer, socket.create_server(address, backlog=16))
        wait_until(lambda: ask(running, 1) == {1: 1}, "the new agent", 30)


def test_one_that_says_no_index_is_not_asked_without_end(gateway, agent, pets):
    agent.entries, agent.has_index = [at(pets[0])], False
    running = start(gateway, agent)
    assert ask(running, 1) == {0: 1}
    stopping = threading.Event()
    assert not stopping.wait(0.7) and len(agent.questions) == 1


def test_an_index_that_goes_backwards_begins_anew(gateway, agent, pets):
    agent.entries = [at(pets[0])]
    running = start(gateway, agent)
    ask(running, 1)
    wait_until(lambda: len(agent.questions) == 2, "a blocking question")
    change(running, agent, at(pets[1]), index=3)
    wait_until(lambda: len(agent.questions) >= 3, "another question")
    assert agent.questions[2][1]["index"] == "0"


def test_the_gateway_ends_while_a_question_is_open(gateway, agent, pets):
    agent.entries = [at(pets[0])]
    running = start(gateway, agent)
    ask(running, 1)
    wait_until(lambda: len(agent.questions) == 2, "a blocking question")
    running.stop()
