"""Many connections at once: an origin that answers or floods, clients in processes of their own, and what memory a
process has."""
import atexit
import functools
import json
import os
import resource
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time

# Bytes of the process for one connection: idle, with a head that does not end, with a request. runtime/README.md states them.
IDLE, HEAD, BUSY = 512, 101 * 1024, 460 * 1024
BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench")


@functools.cache
def program(name):
    """One of tests/bench, built for this run."""
    folder = tempfile.mkdtemp(prefix="apigw-crowd-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", f"{folder}/{name}", f"{BENCH}/{name}.c", "-lm"],
                   check=True)
    return f"{folder}/{name}"


class Server:
    """The origin of the benchmark: its paths say how it behaves. `under`: a command that runs it."""

    def __init__(self, under=()):
        self.under = under

    def __enter__(self):
        self.process = subprocess.Popen([*self.under, program("origin"), "0"], stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def descriptor_limit():
    """What a process may have at most here."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


class Rude:
    """Clients of one sort (crowd.c), in as many processes as the limit of descriptors asks for. .ready: how many of
    them are connected and have done their worst. Behind the end .seen has what they counted."""

    def __init__(self, port, mode, count, path="/here"):
        each = descriptor_limit() - 100
        self.processes, self.seen = [], {}
        for i, at in enumerate(range(0, count, each)):
            self.processes.append(subprocess.Popen(
                [program("crowd"), str(port), mode, str(min(each, count - at)), path],
                env={**os.environ, "FIRST": str(1 + i * 20)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        self.ready = 0

    def wait(self):
        """Until they are all there."""
        for process in self.processes:
            line = process.stdout.readline().split()
            assert line[:1] == ["ready"], line
            self.ready += int(line[1])
        return self

    def __enter__(self):
        return self.wait()

    def __exit__(self, *_):
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            for key, value in json.loads(process.stdout.read()).items():
                self.seen[key] = self.seen.get(key, 0) + value
            process.stdout.close()
            process.wait()


class Answers:
    """Says the same to every request: `head`, then `size` more bytes out of a file with a hole, as fast as they are
    taken. With reads=False it takes a head and never another byte."""

    def __init__(self, head, size=0, reads=True):
        self.head, self.size, self.reads, self.count = head, size, reads, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.file = tempfile.TemporaryFile()
        self.file.truncate(max(size, 1))
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)
        self.peers, self.stopping = {}, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        for peer in self.peers.values():
            peer.sock.close()
        self.listener.close()

    def _run(self):
        while not self.stopping:
            for fd, what in self.poll.poll(0.1):
                if fd == self.listener.fileno():
                    self._accept()
                    continue
                try:
                    self._serve(self.peers[fd], what)
                except OSError:
                    self.poll.unregister(fd)
                    self.peers.pop(fd).sock.close()

    def _accept(self):
        try:
            while True:
                sock, _ = self.listener.accept()
                sock.setblocking(False)
                self.peers[sock.fileno()] = Peer(sock)
                self.poll.register(sock, select.EPOLLIN)
                self.count += 1
        except BlockingIOError:
            pass

    def _serve(self, peer, what):
        if what & (select.EPOLLHUP | select.EPOLLERR):
            raise ConnectionResetError
        if what & select.EPOLLIN:
            data = peer.sock.recv(65536)
            if not data:
                raise ConnectionResetError
            peer.asked += data
            if b"\r\n\r\n" not in peer.asked:
                return
            peer.asked, peer.head, peer.at = b"", self.head, 0
            if not self.reads:
                self.poll.modify(peer.sock, 0)
                return
        try:
            while peer.head:
                peer.head = peer.head[peer.sock.send(peer.head):]
            while peer.at < self.size:
                peer.at += os.sendfile(peer.sock.fileno(), self.file.fileno(), peer.at, self.size - peer.at)
            self.poll.modify(peer.sock, select.EPOLLIN)
        except BlockingIOError:
            self.poll.modify(peer.sock, select.EPOLLOUT)


class Peer:
    def __init__(self, sock):
        self.sock, self.asked, self.head, self.at = sock, b"", b"", 0


def memory(pid):
    """Bytes that are this process' own."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss_Anon:"))


def settled_memory(pid):
    """The same, when it has stopped growing."""
    before = -1
    while True:
        now = memory(pid)
        if now - before < 64 * 1024:
            return now
        before = now
        time.sleep(0.3)
