#!/usr/bin/python3
"""What crowds cost, and whether others notice: crowds.py [-n ROUNDS] [-t SECONDS] [--idle N] [--rt]

Beside each crowd a well-behaved client asks 200 times a second, in an open loop (load.c), for something of an upstream
of its own; its latency is told from before and from during the crowd, the least of some rounds, since a machine that
does other things too adds to it. Memory is what the process has of its own (tests/lib/crowd.py), beside what
runtime/README.md states for so many connections. One worker on the first CPU, all else on the second. With --rt (as
root) the gateway, the well-behaved client and its upstream run at real-time priority, so that a busy machine is not
what is measured.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
from crowd import BUSY, HEAD, IDLE, Rude, Server, descriptor_limit, program, settled_memory  # noqa: E402

GEN = os.environ.get("APIGW_GEN", os.path.join(TOP, "build/release/apigw-gen"))
RATE, CONNECTIONS = 200, 8
KIB, MIB = 1024, 1024 * 1024

DOCUMENT = """
openapi: 3.1.0
info: {title: crowds, version: "1"}
security: []
x-gateway:
  version: 1
  listeners: [{address: "127.0.0.1:0", limits: {header_timeout: 10m}}]
  upstreams: {origin: {targets: [{url: "http://127.0.0.1:1"}]}, other: {targets: [{url: "http://127.0.0.1:1"}]}}
  upstream: origin
  access_log: false
  timeouts: {send: 10m, read: 10m, idle: 10m}
  limits: {body: 8g}
paths:
  /here: {get: {x-gateway: {respond: {status: 200, body: here}}, responses: {default: {description: any}}}}
  /other: {get: {x-gateway: {upstream: other}, responses: {default: {description: any}}}}
  /r/{size}:
    parameters: [{name: size, in: path, required: true, schema: {type: string}}]
    get: &any {responses: {default: {description: any}}}
    post: *any
"""


class Gateway:
    def __init__(self, folder, origin, other, under):
        if not os.path.exists(folder + "/gw"):
            with open(folder + "/openapi.yaml", "w") as file:
                file.write(DOCUMENT)
            subprocess.run([GEN, "build", "-q", folder + "/openapi.yaml", "-o", folder + "/gw"], check=True)
        self.under = under
        self.process = subprocess.Popen([*under, "taskset", "-c", "0", folder + "/gw", "--workers", "1", "--upstream",
                                         f"origin={origin.url}", "--upstream", f"other={other.url}"],
                                        stderr=subprocess.PIPE, text=True)
        self.pid, self.port = self.process.pid, None
        for line in self.process.stderr:
            found = re.search(r"listening on \S*:(\d+)", line)
            self.port = int(found.group(1)) if found else self.port
            if line.endswith("ready\n"):
                break

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def cpu(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def well_behaved(gateway, seconds):
    """p50 and p99 in microseconds, and the share of a CPU that the gateway took meanwhile."""
    before = gateway.cpu()
    done = subprocess.run([*gateway.under, program("load"), str(gateway.port), str(RATE), str(seconds),
                           str(CONNECTIONS), "/other"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit("a well-behaved client was not served: " + done.stdout + done.stderr)
    seen = json.loads(done.stdout)
    return seen["p50"], seen["p99"], (gateway.cpu() - before) / seconds


def one_round(gateway, mode, count, path, seconds):
    """Memory taken, the crowd, and what the well-behaved client saw before and meanwhile."""
    before = well_behaved(gateway, seconds)
    with Rude(gateway.port, "idle", 2000, "/here"):
        pass  # what so many requests at once take stays: here it is about what comes on top
    base = settled_memory(gateway.pid)
    with Rude(gateway.port, mode, count, path) as crowd:
        during = well_behaved(gateway, seconds)
        taken = settled_memory(gateway.pid) - base
    return taken, crowd, before, during


def row(what, rounds, count, bound, seconds):
    """A line of the table, and whether memory kept to its bound."""
    taken = max(one[0] for one in rounds)
    before, during = (tuple(min(one[at][i] for one in rounds) for i in range(3)) for at in (2, 3))
    if "storm" in what:
        what += f" ({max(one[1].seen['answered'] for one in rounds) / seconds:.0f} a second)"
    else:
        what = f"{rounds[0][1].ready} {what}"
    each = f"{taken / count:.0f}" if bound == IDLE else f"{taken / count / KIB:.0f} KiB"
    stated = f"{bound}" if bound == IDLE else f"{bound // KIB} KiB"
    return (f"| {what} | {taken / MIB:.1f} MiB | {each} | {stated} | {during[2]:.0%} | {before[0]} / {before[1]} | "
            f"{during[0]} / {during[1]} |"), taken <= count * bound


def main():
    parser = argparse.ArgumentParser()
    limit = descriptor_limit()
    parser.add_argument("-n", type=int, default=3)
    parser.add_argument("-t", type=int, default=5)
    parser.add_argument("--rt", action="store_const", const=("chrt", "-r", "20"), default=())
    parser.add_argument("--idle", type=int, default=min(50000, limit - limit // 16 - 200))
    args = parser.parse_args()
    rows = [("idle connections", "idle", args.idle, "/here", IDLE),
            ("connections without a byte", "silent", args.idle, "/r/1k", IDLE),
            ("accept storm, 200 at once", "storm", 200, "/here", BUSY),
            ("clients that send a byte a second", "drip", 1000, "/r/1k", HEAD),
            ("answers of a byte a second", "idle", 1000, "/r/drip", BUSY),
            ("clients that never read 1 GiB", "deaf", 1000, "/r/1g", BUSY),
            ("uploads of 1 GiB that the upstream never reads", "upload", 1000, "/r/deaf", BUSY)]
    print(f"The hard limit of descriptors is {limit}.\n")
    print("| crowd | memory | each | stated | of a CPU | p50 / p99 of others before, µs | during |")
    print("|---" * 7 + "|", flush=True)
    fine = True
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with Server() as origin, Server(args.rt) as other, tempfile.TemporaryDirectory(prefix="apigw-crowds-") as folder:
        for what, mode, count, path, bound in rows:
            rounds = []
            for _ in range(args.n):
                with Gateway(folder, origin, other, args.rt) as gateway:
                    rounds.append(one_round(gateway, mode, count, path, args.t))
            text, is_bounded = row(what, rounds, count, bound, args.t)
            print(text, flush=True)
            fine = fine and is_bounded
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
