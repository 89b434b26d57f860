"""`openapi`: what it prints is a document of its own that makes the same gateway."""
import json
import os
import subprocess

import pytest
import yaml
from fixtures import GEN, TOP

CORPUS = os.path.abspath(os.path.join(TOP, os.environ.get("CORPUS", "../shared/corpus")))
FOREIGN = ["digitalocean/DigitalOcean-public.v2.yaml", "museum/openapi.yaml", "pokeapi/openapi.yml", "box/openapi.json",
           "twilio/twilio_api_v2010.json", "spotify/fixed-spotify-open-api.yml"]
ANYWHERE = ("--passthrough-auth", "--upstream", "http://127.0.0.1:9")

FILES = {
    "openapi.yaml": """openapi: 3.1.0
info: {title: Parts, version: "1"}
security: []
x-gateway: {version: 1, upstreams: {u: {targets: [{url: "http://127.0.0.1:9"}]}}, upstream: u}
paths:
  /a: {$ref: parts/paths.yaml#/a}
  /b:
    x-gateway: {timeouts: {read: 1s}}
    post:
      operationId: b
      requestBody: {content: {application/json: {schema: {properties: {$ref: parts/models.yaml#/names}}}}}
      responses: {$ref: parts/paths.yaml#/usual}
components:
  schemas: {Pet: {type: object, properties: {x-gateway: {type: string}}}}
""",
    "parts/paths.yaml": """a:
  parameters: [{$ref: "models.yaml#/limit"}]
  get: {operationId: a, x-gateway: {internal: false}, responses: {$ref: "#/usual"}}
usual:
  "200": {description: ok, content: {application/json: {schema: {$ref: "models.yaml#/Pet"}}}}
""",
    "parts/models.yaml": """limit: {name: limit, in: query, schema: {type: integer}}
names: {a: {type: string}, next: {$ref: "#/Pet"}}
Pet: {type: object, properties: {friend: {$ref: "#/Pet"}, owner: {$ref: "../openapi.yaml#/components/schemas/Pet"}}}
""",
}


def gen(folder, *words):
    done = subprocess.run([GEN, *words], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}:\n{done.stderr[:4000]}"
    return done.stdout


def round_trip(document, folder):
    """The bundle beside nothing else: it checks, bundles to itself, and gives the same routes."""
    published = gen(folder, "openapi", document)
    alone = folder / "alone"
    alone.mkdir()
    (alone / "openapi.yaml").write_text(published)
    gen(alone, "check", "-q", "openapi.yaml", *ANYWHERE)
    assert gen(alone, "openapi", "openapi.yaml") == published
    assert gen(alone, "routes", "openapi.yaml", *ANYWHERE) == gen(folder, "routes", document, *ANYWHERE)
    return published


def test_parts_in_many_files(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace("upstreams: {u: {targets: [{url: \"http://127.0.0.1:9\"}]}}, upstream: u", ""))
    published = round_trip("openapi.yaml", tmp_path)
    assert published.count("x-gateway") == 1 and ".yaml" not in published  # a property may be called so


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_documents(name, tmp_path):
    document = os.path.join(CORPUS, name)
    if not os.path.exists(document):
        pytest.skip("no corpus here")
    assert "x-gateway" not in round_trip(document, tmp_path)


ONE = """openapi: 3.1.0
info: {title: One, version: "1"}
servers: [{url: /one}]
security: [{key: []}]
tags: [{name: shared}, {name: first}]
paths:
  /a:
    parameters: [{name: p, in: query, schema: {type: string}}]
    get: {operationId: a, responses: {"200": {$ref: "#/components/responses/Pet"}}}
  /both: {get: {operationId: both, responses: {}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: K}}
  responses: {Pet: {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}}
  schemas: {Pet: {type: object, properties: {owner: {$ref: "#/components/schemas/Owner"}}},
            Owner: {type: string}, Same: {type: integer}}
"""
TWO = """openapi: 3.1.2
info: {title: Two, version: "2"}
servers: [{url: /two}]
security: [{key: []}]
tags: [{name: shared, description: unused}, {name: second}]
paths:
  /b: {get: {operationId: b, tags: [second], responses: {"200": {$ref: "#/components/responses/Pet"}}}}
  /c: {$ref: "#/components/pathItems/C"}
  /both:
    parameters: [{$ref: "#/components/parameters/p"}, {name: q, in: query, schema: {type: string}}]
    post: {operationId: both2, security: [], parameters: [{name: p, in: query, schema: {type: integer}}], responses: {}}
components:
  parameters: {p: {name: p, in: query, schema: {$ref: "#/components/schemas/Same"}}}
  pathItems: {C: {get: {operationId: c, responses: {}}}}
  securitySchemes: {key: {type: http, scheme: basic}}
  responses: {Pet: {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}}
  schemas:
    Pet: {type: object, properties: {owner: {$ref: "#/components/schemas/Owner"}, mapping: {type: string}}}
    Owner: {oneOf: [{$ref: "#/components/schemas/Owner_2"}, {$ref: "#/components/schemas/Same"}],
            discriminator: {propertyName: kind, mapping: {x: "#/components/schemas/Pet", y: Owner, z: Same}}}
    Owner_2: {type: boolean, example: {$ref: "#/components/schemas/Pet"}}
    Same: {type: integer}
"""


@pytest.fixture
def both(tmp_path):
    (tmp_path / "one.yaml").write_text(ONE)
    (tmp_path / "two.yaml").write_text(TWO)
    return tmp_path


def refused(folder, *words):
    done = subprocess.run([GEN, *words], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stdout == "", done.stderr
    return done.stderr


def routes(folder, documents, alike):
    """The rows in order of their text, with the words of `alike` replaced: new names of schemes."""
    rows = gen(folder, "routes", *documents, *ANYWHERE).splitlines()
    return sorted([alike.get(word, word) for word in row.split()] for row in rows)


def merged(folder, alike={"key_2": "key"}):
    """The two as JSON; what they make checks, bundles to itself, and has the routes of both."""
    text = gen(folder, "openapi", "one.yaml", "two.yaml")
    (folder / "alone.yaml").write_text(text)
    gen(folder, "check", "-q", "alone.yaml", *ANYWHERE)
    assert gen(folder, "openapi", "alone.yaml") == text
    assert routes(folder, ["alone.yaml"], alike) == routes(folder, ["one.yaml", "two.yaml"], alike)
    (folder / "one.json").write_text(json.dumps(yaml.safe_load(ONE)))
    as_json = json.loads(gen(folder, "openapi", "one.json", "two.yaml"))
    assert as_json == yaml.safe_load(text)
    return as_json


def test_many_documents_make_one(both):
    made = merged(both)
    assert made["openapi"] == "3.1.0" and made["info"] == {"title": "One", "version": "1"}
    assert made["tags"] == [{"name": "shared"}, {"name": "first"}, {"name": "second"}]
    assert list(made["paths"]) == ["/a", "/both", "/b", "/c"]


def test_components_that_differ_are_renamed(both):
    components = merged(both)["components"]
    assert sorted(components["schemas"]) == ["Owner", "Owner_2", "Owner_3", "Pet", "Pet_2", "Same"]
    assert components["schemas"]["Pet_2"]["properties"]["owner"] == {"$ref": "#/components/schemas/Owner_3"}
    owner = components["schemas"]["Owner_3"]
    assert owner["oneOf"] == [{"$ref": "#/components/schemas/Owner_2"}, {"$ref": "#/components/schemas/Same"}]
    assert owner["discriminator"]["mapping"] == {"x": "#/components/schemas/Pet_2", "y": "Owner_3", "z": "Same"}
    assert components["schemas"]["Owner_2"]["example"] == {"$ref": "#/components/schemas/Pet"}  # an example is data
    assert sorted(components["responses"]) == ["Pet", "Pet_2"]  # written alike, but what they refer to differs
    assert components["securitySchemes"]["key_2"] == {"type": "http", "scheme": "basic"}


def test_what_a_root_says_keeps_its_meaning(both):
    made = merged(both)
    b, c, two = made["paths"]["/b"], made["components"]["pathItems"]["C"], [{"url": "/two"}]
    assert made["servers"] == [{"url": "/one"}] and b["servers"] == c["servers"] == two
    assert made["security"] == [{"key": []}] and "security" not in made["paths"]["/a"]["get"]
    assert b["get"]["security"] == c["get"]["security"] == [{"key_2": []}]
    assert made["paths"]["/both"] == {
        "get": {"operationId": "both", "responses": {}},
        "post": {"operationId": "both2", "security": [], "responses": {}, "servers": two,
                 "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}},
                                {"name": "p", "in": "query", "schema": {"type": "integer"}}]}}


def test_a_document_that_says_nothing_at_its_root(both):
    (both / "two.yaml").write_text(TWO.replace("servers: [{url: /two}]\nsecurity: [{key: []}]\n", ""))
    b = merged(both, {"none": "public"})["paths"]["/b"]
    assert b["servers"] == [{"url": "/"}] and b["get"]["security"] == []


def test_a_document_twice_conflicts(both):
    message = refused(both, "openapi", "one.yaml", "one.yaml")
    assert "route-conflict" in message and "'get' of /a is in an earlier document too" in message


def test_path_items_that_are_references_and_other_methods(both):
    first = ONE.replace("both, responses: {}}}", "both, responses: {}}, additionalOperations: {LINK: {responses: {}}}}")
    (both / "one.yaml").write_text(first.replace("3.1.0", "3.2.0"))
    second = """openapi: 3.2.0
info: {title: Two, version: "2"}
paths: {/both: {$ref: "#/components/pathItems/I"}}
components: {pathItems: {I: {put: {responses: {}}, additionalOperations: {UNLINK: {responses: {}}}}}}
"""
    (both / "two.yaml").write_text(second)
    item = yaml.safe_load(gen(both, "openapi", "one.yaml", "two.yaml"))["paths"]["/both"]
    assert list(item) == ["get", "additionalOperations", "put"]
    assert item["put"] == {"responses": {}, "security": [], "servers": [{"url": "/"}]}
    assert item["additionalOperations"] == {"LINK": {"responses": {}}, "UNLINK": item["put"]}
    (both / "two.yaml").write_text(second.replace("UNLINK", "LINK"))
    assert "'LINK' of /both" in refused(both, "openapi", "one.yaml", "two.yaml")
    second = second.replace("components/pathItems/I", "paths/~1x").replace("paths: {", "paths: {/x: {}, ")
    (both / "two.yaml").write_text(second)
    assert "refers to another path" in refused(both, "openapi", "one.yaml", "two.yaml")


def test_an_operation_id_twice_conflicts(both):
    (both / "two.yaml").write_text(TWO.replace("operationId: b,", "operationId: a,"))
    assert "duplicate-operation" in refused(both, "openapi", "one.yaml", "two.yaml")


def test_versions_do_not_mix(both):
    (both / "two.yaml").write_text(TWO.replace("3.1.2", "3.0.3"))
    message = refused(both, "openapi", "one.yaml", "two.yaml")
    assert "openapi-version" in message and "the first is 3.1.0" in message


def test_what_a_discriminator_maps_to_moves_too(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "openapi.yaml").write_text("""openapi: 3.1.0
info: {title: Kinds, version: "1"}
security: []
paths: {/a: {get: {responses: {"200": {description: ok, content: {application/json: {schema: {$ref: "parts/pet.yaml#/Pet"}}}}}}}}
components: {schemas: {Cat: {type: string}, Cow: {type: object}}}
""")
    (tmp_path / "parts/pet.yaml").write_text("""Pet:
  oneOf: [{$ref: "#/Cat"}, {$ref: dog.yaml}]
  discriminator:
    propertyName: kind
    mapping: {cat: "#/Cat", dog: dog.yaml, cow: "../openapi.yaml#/components/schemas/Cow", pet: Pet}
  properties: {mapping: {enum: [a/b]}}
  x-other: {mapping: {a: b/c}}
Cat: {type: object}
""")
    (tmp_path / "parts/dog.yaml").write_text("type: object\n")
    pet = yaml.safe_load(round_trip("openapi.yaml", tmp_path))["components"]["schemas"]["Pet"]
    of = "#/components/schemas/"
    assert pet["discriminator"]["mapping"] == {"cat": of + "Cat_2", "dog": of + "dog", "cow": of + "Cow", "pet": "Pet"}
    assert pet["oneOf"] == [{"$ref": of + "Cat_2"}, {"$ref": of + "dog"}]
    assert pet["properties"] == {"mapping": {"enum": ["a/b"]}} and pet["x-other"] == {"mapping": {"a": "b/c"}}

    (tmp_path / "parts/dog.yaml").unlink()
    done = subprocess.run([GEN, "openapi", "openapi.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "parts/pet.yaml:2:" in done.stderr and "parts/pet.yaml:5:" in done.stderr
