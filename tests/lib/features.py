"""What spreads requests over targets and guards upstreams, one by one: how a document asks for it, and by which of its
symbols the code is known in a program. A program whose document does not ask for it has none of them."""

FEATURES = {
    "least_conn": dict(pool={"balance": "least_conn"}, symbols=["balance_least_conn"]),
    "random": dict(pool={"balance": "random"}, symbols=["balance_random"]),
    "hash": dict(pool={"balance": "hash", "hash_key": {"path_param": "key"}}, symbols=["balance_hash"]),
    "peak_ewma": dict(pool={"balance": "peak_ewma"}, symbols=["balance_peak_ewma", "balance_observe"]),
    "subsets": dict(pool={"subsets": {"some": {"labels": {"half": "first"}}}}, subset="some", symbols=[]),  # constants
    "sticky": dict(pool={"sticky": {"cookie": "place"}}, symbols=["sticky_module", "balance_sticky"]),
    "mirror": dict(pool={"mirror": {"upstream": "shadow", "max_requests": 1000}}, symbols=["mirror_module"]),
    "adaptive_concurrency": dict(pool={"adaptive_concurrency": True}, symbols=["adaptive_module", "breaker_module"]),
    "circuit_breaker": dict(pool={"circuit_breaker": {"max_requests": 10000, "max_connections": 10000, "threshold": 1000}},
                            symbols=["breaker_module"]),
    "outlier_detection": dict(pool={"outlier_detection": {"consecutive_5xx": 5, "max_fails": 5, "success_rate": True}},
                              symbols=["outlier_module"]),
    "health_check": dict(pool={"health_check": {"interval": "1s"}}, symbols=["probe_module"]),
    "retry": dict(pool={"retry": {"on": ["connect_failure", "reset", "5xx"], "budget": {"percent": 20, "min": 10}}},
                  symbols=["retry_module"]),
    "hedge": dict(pool={"retry": {"hedge": {"delay": "10s"}}}, symbols=["hedge_module", "retry_module"]),
    "priorities": dict(pool={}, each=[{}, {}, {"priority": 1}, {"priority": 2}], symbols=["levels_module"]),
    "discovery": dict(pool={}, by="dns", symbols=["discovery_module", "discover_dns"]),
}


def upstreams_with(name, port):
    """Of x-gateway: four targets at that port, told apart by their paths; with a feature, or without any (None)."""
    def url(place):
        return {"url": f"http://127.0.0.1:{port}/{place}"}

    feature = FEATURES.get(name, {"pool": {}})
    targets = [{**url(place), "labels": {"half": half}} for place, half in zip("abcd", ("first", "first", "last", "last"))]
    for target, more in zip(targets, feature.get("each", [])):
        target.update(more)
    upstreams = {"origin": {"targets": targets, **feature["pool"]}}
    if "by" in feature:  # one target then
        upstreams["origin"] = {"discovery": {feature["by"]: f"127.0.0.1:{port}"}}
    if "mirror" in feature["pool"]:
        upstreams["shadow"] = {"targets": [url("shadow")]}
    return {"upstreams": upstreams, "upstream": ":".join(["origin", feature["subset"]] if "subset" in feature else ["origin"])}
