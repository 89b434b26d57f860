"""`explain` and the gateway are two readers of one plan: what the one foretells the other does."""
import concurrent.futures
import os
import random
import re
import subprocess

import pytest
from fixtures import GEN

TEMPLATES = ["/", "/a", "/a/", "/a/b", "/a/{x}", "/a/{x}/c", "/{y}/b", "/{y}/{z}", "/a/{x}.json", "/a/{x}:run", "/a/v{x}",
             "/caf%C3%A9", "/long/{one}/{two}/{three}", "/a/b/c/d", "/q", "/q?kind=cat", "/q?kind=dog", "/a/b%2Fc", "/~tilde"]
PARAMETER = re.compile(r"{(\w+)}")


def document():
    """Each operation answers with its name; the methods differ from path to path."""
    lines = ["openapi: 3.1.0", "info: {title: explained, version: '1'}", "security: []", "servers: [{url: /v1}]",
             "x-gateway: {access_log: false}", "paths:"]
    for number, template in enumerate(TEMPLATES):
        lines.append(f"  '{template}':")
        names = PARAMETER.findall(template)
        if names:
            lines.append("    parameters: [" + ", ".join(
                f"{{name: {name}, in: path, required: true, schema: {{type: string}}}}" for name in names) + "]")
        for method in ("get", "post") if number % 3 else ("get",):
            lines.append(f"    {method}: {{operationId: op{number}{method}, x-gateway: {{respond: {{body: op{number}{method}}}}}, "
                         "responses: {default: {description: any}}}")
    lines += ["  /rest/{tail}:",
              "    parameters: [{name: tail, in: path, required: true, schema: {type: string}}]",
              "    x-gateway: {match: {prefix: true}}",
              "    get: {operationId: rest, x-gateway: {respond: {body: rest}}, responses: {default: {description: any}}}",
              "  /hosts:",
              "    x-gateway: {match: {hosts: [a.example.com, '*.test']}}",
              "    get: {operationId: hosts, x-gateway: {respond: {body: hosts}}, responses: {default: {description: any}}}"]
    return "\n".join(lines) + "\n"


PIECES = ["a", "b", "c", "v1", "v", "x.json", ".json", "y:run", ":run", "vv", "q", "rest", "hosts", "long", "one", "caf%C3%A9",
          "caf%c3%a9", "b%2Fc", "b%2fc", "%61", "%2e", "%2E%2e", ".", "..", "", "~tilde", "%7Etilde", "%00", "%zz", "%", "A",
          "a;p=1", "a%20b", "%41", "*", "a@b", "'", "%e2%82", "d"]
QUERIES = ["", "", "", "?kind=cat", "?kind=dog", "?kind=cow", "?x=1&kind=cat", "?kind=c%61t", "?", "?kind", "?/../"]
HOSTS = ["a", "a.example.com", "A.example.COM", "b.test", "test", "b.test:81"]


def urls(count):
    chance = random.Random(9)
    for _ in range(count):
        if chance.random() < 0.5:
            path = PARAMETER.sub(lambda _: chance.choice(PIECES) or "z", chance.choice(TEMPLATES).split("?")[0])
        else:
            path = "/" + "/".join(chance.choice(PIECES) for _ in range(chance.randint(1, 4)))
        base = chance.choice(["/v1"] * 8 + ["", "/v1/.", "/%761", "/V1"])
        yield (chance.choice(["GET", "GET", "GET", "POST", "HEAD", "DELETE", "OPTIONS"]), base + path + chance.choice(QUERIES),
               chance.choice(HOSTS))


def foretold(folder, method, url, host):
    """(route or None, status, Allow) by `explain`."""
    done = subprocess.run([GEN, "explain", "openapi.yaml", method, url, "-H", f"Host: {host}"], cwd=folder, capture_output=True,
                          text=True, timeout=60)
    facts = dict(re.findall(r"^(\S+(?: \S+)?) {2,}(.*)$", done.stdout, re.M))
    allow = facts.get("Allow")
    if "route" in facts:
        assert done.returncode == 0
        return facts["route"], 200, allow
    if "answer" in facts:
        return None, 204, allow
    assert done.returncode == 1 and "no route" in facts, done.stdout + done.stderr
    return None, int(facts["no route"].split(":")[0]), allow


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    (folder / "openapi.yaml").write_text(document())
    return folder


def test_two_hundred_urls(module_gateway, explained):
    one = module_gateway(document())
    cases = list(urls(200))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(lambda case: foretold(explained, *case), cases))
    taken = set()
    for (method, url, host), (route, status, allow) in zip(cases, said):
        with one.client() as client:
            client.send(f"{method} {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = client.answer(method)
        what = f"{method} {url} at {host}: explain says {route or status}, the gateway {answer.status} {answer.body[:40]!r}"
        assert answer.status == status, what
        if route and method != "HEAD":
            assert answer.body == route.encode(), what
        if allow:
            assert answer["Allow"] == allow, what
        taken.add(route or status)
    assert len(taken) > 15 and {400, 404, 405, 204} <= taken, taken


@pytest.mark.parametrize("url,nearest", [("/v1", "/v1/"), ("/v1/hostss", "/v1/hosts"), ("/v1/a/b/", "/v1/a/b"),
                                         ("/v1/caf%C3%A8", "/v1/caf%C3%A9"), ("/nowhere/to/be/found/at/all/in/it", None)])
def test_the_nearest_template_is_named(tmp_path, url, nearest):
    (tmp_path / "openapi.yaml").write_text(document().replace("  '/':", "  '/p-{x}': {get: {responses: {}}}\n  '/':"))
    told = subprocess.run([GEN, "explain", "-q", "openapi.yaml", "GET", url, "--upstream", "http://127.0.0.1:9"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert told.returncode == 1 and "404" in told.stdout, told
    found = re.search(r"^nearest +(.*)$", told.stdout, re.M)
    assert (found and found.group(1)) == nearest


# ---- who may call ----

SECURED = """openapi: 3.1.0
info: {title: secured, version: '1'}
x-gateway:
  access_log: false
  respond: {body: fine}
  consumers:
    batch: {groups: [staff], keys: [{env: BATCH_KEY}]}
    web: {groups: [public], keys: [{file: web.key}]}
security: [{key: []}]
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key, x-gateway: {key_auth: {key_names: [X-Key, apikey], key_in_query: true}}}
    other: {type: oauth2, flows: {}, x-gateway: {passthrough: true}}
paths:
  /staff: {get: {x-gateway: {acl: {allow: [staff]}}, responses: {default: {description: any}}}}
  /all: {get: {responses: {default: {description: any}}}}
  /maybe: {get: {security: [{}, {key: []}], responses: {default: {description: any}}}}
  /open: {get: {security: [], responses: {default: {description: any}}}}
  /theirs: {get: {security: [{other: [read, write]}], responses: {default: {description: any}}}}
"""


@pytest.mark.parametrize("path,lines", [
    ("/staff", ["security     key", "             key: header X-Key apikey, query X-Key apikey", "acl          allow staff",
                "callers      batch"]),
    ("/all", ["security     key", "             key: header X-Key apikey, query X-Key apikey", "callers      batch, web"]),
    ("/maybe", ["security     anonymous or key", "             key: header X-Key apikey, query X-Key apikey",
                "callers      batch, web"]),
    ("/open", ["security     public"]),
    ("/theirs", ["security     other (read write)", "             not all of it is verified here, but by the upstream"]),
])
def test_who_may_call(tmp_path, path, lines):
    (tmp_path / "openapi.yaml").write_text(SECURED)
    told = subprocess.run([GEN, "explain", "openapi.yaml", "GET", path], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told
    shown = told.stdout.splitlines()
    begin = next(i for i, line in enumerate(shown) if line.startswith("security"))
    end = next(i for i, line in enumerate(shown) if line.startswith("body limit"))
    assert shown[begin:end] == lines
    table = subprocess.run([GEN, "routes", "openapi.yaml", "--effective"], cwd=tmp_path, capture_output=True, text=True,
                           timeout=60).stdout
    facts = re.search(rf"^GET +{path} .*\n((?:    .*\n)*)", table, re.M).group(1)
    for line in lines:
        if line.startswith(("callers", "acl", "security")):
            label, value = line.split(None, 1)
            assert f"    {label}: {value}\n" in facts, facts
    assert ("callers" in facts) == any(line.startswith("callers") for line in lines)


# ---- whether a request would be let in ----

KEYS = {"BATCH_KEY": "batch-key", "WEB_KEY": "web key/1"}
CARRIED = [  # headers, query
    ([], ""), (["X-Key: batch-key"], ""), (["x-key: web key/1"], ""), (["apikey: batch-key"], ""), (["X-Key: nobody"], ""),
    (["X-Key: batch-key", "apikey: batch-key"], ""), (["X-Key: batch-key", "apikey: web key/1"], ""), (["X-Key: BATCH-KEY"], ""),
    ([], "?apikey=batch-key"), ([], "?X-Key=web+key%2F1"), ([], "?X-Key=web%20key/1&a=b"), ([], "?%58-Key=batch-key"),
    ([], "?x-key=batch-key"), ([], "?X-Key=web key"), ([], "?X-Key=batch-key&X-Key=web+key/1"), (["X-Key: batch-key"], "?X-Key=no"),
    ([], "?X-Key="), (["X-Key:"], ""), (["Cookie: chip=batch-key"], ""), (["Cookie: a=b; chip=web key/1; c=d"], ""),
    (["Cookie: chip=nobody"], ""), (["Cookie: Chip=batch-key"], ""), (["Cookie: chip=batch-key; chip=no"], ""),
    (["X-Key: batch-key", "Cookie: chip=batch-key"], ""), (["X-Key: batch-key", "Cookie: chip=web key/1"], ""),
    (["X-Key: nobody", "Cookie: chip=batch-key"], ""),
]


def told_of(folder, path, headers, env):
    words = [word for header in headers for word in ("-H", header)]
    return subprocess.run([GEN, "explain", "openapi.yaml", "GET", path, *words], cwd=folder, capture_output=True, text=True,
                          timeout=60, env={**os.environ, **env})


def keyed():
    return SECURED.replace("{file: web.key}", "{env: WEB_KEY}").replace(
        "    other:", "    chip: {type: apiKey, in: cookie, name: chip}\n    other:") + """\
  /cookie: {get: {security: [{chip: []}], x-gateway: {acl: {deny: [public]}}, responses: {default: {description: any}}}}
  /two: {get: {security: [{key: [], chip: []}, {}], responses: {default: {description: any}}}}
  /either: {get: {security: [{chip: []}, {key: []}], x-gateway: {acl: {allow: [staff]}}, responses: {default: {description: any}}}}
"""


@pytest.mark.parametrize("path", ["/staff", "/all", "/maybe", "/open", "/cookie", "/two", "/either"])
def test_keys_are_judged_as_by_the_gateway(module_gateway, tmp_path, path):
    (tmp_path / "openapi.yaml").write_text(keyed())
    one = module_gateway(keyed(), env=KEYS)
    answers = set()
    for headers, query in CARRIED:
        if " " in query:
            continue
        with one.client() as client:
            client.send("".join([f"GET {path}{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n",
                                 *[f"{header}\r\n" for header in headers], "\r\n"]).encode())
            status = client.answer("GET").status
        told = told_of(tmp_path, path + query, headers, KEYS)
        said = re.search(r"^(?:caller)? +(let in|\d\d\d:)", told.stdout, re.M)
        foretold = int(said.group(1)[:3]) if said and said.group(1) != "let in" else 200
        what = f"{headers} {query}: the gateway says {status}\n{told.stdout}"
        if not said and status == 401:  # nothing to look at: who may call is told, not whether
            assert told.returncode == 0 and not re.search("^caller ", told.stdout, re.M), what
        else:
            assert foretold == status, what
            assert told.returncode == (status != 200), what
        answers.add(status)
        assert "batch-key" not in told.stdout.replace(query, "") and "web key" not in told.stdout.replace(query, "")
    assert len(answers) > 1 or path == "/open"


@pytest.mark.parametrize("env,headers,lines,status", [
    ({"BATCH_KEY": "k"}, ["X-Key: k"], ["caller       key: the key is one of batch", "             let in as batch"], 0),
    ({}, ["X-Key: k"], ["caller       key: cannot be told here: cannot read web.key: No such file or directory",
                        "             whether it is let in cannot be told here"], 0),
    ({"BATCH_KEY": "k"}, ["X-Key: k", "apikey: l"], ["caller       key: there are two API keys",
                                                     "             401: there are two API keys"], 1),
    ({"BATCH_KEY": "k"}, [], [], 0),
])
def test_what_is_told_of_a_caller(tmp_path, env, headers, lines, status):
    (tmp_path / "openapi.yaml").write_text(SECURED)
    told = told_of(tmp_path, "/all", headers, env)
    assert told.returncode == status, told.stdout + told.stderr
    shown = told.stdout.splitlines()
    begin = next(i for i, line in enumerate(shown) if line.startswith("callers")) + 1
    end = next(i for i, line in enumerate(shown) if line.startswith("body limit"))
    assert shown[begin:end] == lines


def test_a_file_of_consumers_is_not_looked_at(tmp_path):
    (tmp_path / "openapi.yaml").write_text(SECURED.replace("  consumers:\n", "  consumers_file: {file: /etc/more.yaml}\n  consumers:\n")
                                           .replace("{file: web.key}", "{env: WEB_KEY}"))
    told = told_of(tmp_path, "/all", ["X-Key: nobody"], KEYS)
    assert told.returncode == 0 and "nobody's here, and /etc/more.yaml is not looked at" in told.stdout
