"""Many connections at once, one thread for all: an origin that answers or floods, and what memory a process has."""
import os
import select
import socket
import tempfile
import threading
import time


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
