"""Origins that tell their numbers, and who was asked how often."""
import collections
import contextlib

from http_peer import Origin


@contextlib.contextmanager
def numbered_origins(count):
    origins = [Origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%d" % (len(str(i)), i)) for i in range(count)]
    try:
        yield origins
    finally:
        for one in origins:
            one.close()


def ask_numbers(running, times, path="/x"):
    """{number: how often}, or {status: how often} of other answers than 200; on one connection."""
    with running.client() as client:
        answers = [client.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(times)]
    return dict(collections.Counter(int(a.body) if a.status == 200 else a.status for a in answers))
