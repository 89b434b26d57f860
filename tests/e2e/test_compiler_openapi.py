"""`openapi`: what it prints is a document of its own that makes the same gateway."""
import os
import subprocess

import pytest
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
