"""A file system of a few megabytes for one server, which a test can fill and empty again.

It is a tmpfs in a mount namespace of its own, that of a process which waits; so it is gone with that
process, however the test ends. Without root's rights a user namespace lends them. Where neither is
allowed (a container without CAP_SYS_ADMIN), make() skips the test and says so.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import occurd

# Until its input ends.
HOLD = """
import sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
db.execute("BEGIN")
db.execute("SELECT count(*) FROM event").fetchall()
print("held", flush=True)
sys.stdin.read()
"""


class SmallDisk:
    def __init__(self, directory, mib):
        self.inner = pathlib.Path(directory) / "disk"
        self.inner.mkdir()
        self.holder = self._hold(mib)
        # What the namespace has mounted, seen from outside.
        self.path = pathlib.Path(f"/proc/{self.holder.pid}/root{self.inner}")

    def _hold(self, mib):
        mount = f'mount -t tmpfs -o size={mib}m none "$1" && echo mounted && exec sleep 100000'
        holder = subprocess.Popen(
            ["unshare", *self._user("-r"), "-m", "sh", "-c", mount, "sh", str(self.inner)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if holder.stdout.readline() != b"mounted\n":
            why = holder.communicate(timeout=20)[1].decode().strip()
            pytest.skip(f"no small file system can be mounted, a full disk was NOT tested: {why}")
        return holder

    @staticmethod
    def _user(*options):
        return [] if os.geteuid() == 0 else list(options)

    def server(self, space, args):
        server = occurd.Server(self.inner.parent, [space], args)
        server.data = self.inner / "data"
        command = server.command

        def inside():
            line = command()
            return self._enter() + [os.path.abspath(line[0])] + line[1:]
        server.command = inside
        return server

    def _enter(self):
        user = self._user("-U", "--preserve-credentials")
        return ["nsenter", "-t", str(self.holder.pid), *user, "-m", "--"]

    @contextlib.contextmanager
    def held_log(self):
        """A reader, as a backup is one: what comes in meanwhile stays in the log."""
        reader = subprocess.Popen(
            [*self._enter(), sys.executable, "-c", HOLD, str(self.inner / "data/occurd.db")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert reader.stdout.readline() == b"held\n"
            yield
        finally:
            reader.communicate(timeout=20)

    # -- What is on it --

    def free_bytes(self):
        at = os.statvfs(self.path)
        return at.f_bavail * at.f_frsize

    def fill(self, leave=0):
        """Somebody else's file takes all but `leave` bytes."""
        with open(self.path / "ballast", "ab", buffering=0) as ballast:
            with contextlib.suppress(OSError):
                while (room := self.free_bytes() - leave) > 0:
                    ballast.write(bytes(min(room, 1 << 20)))

    def empty(self):
        (self.path / "ballast").unlink()

    def copy_data(self, to):
        """The data directory of a server that has ended, where other tools can open it."""
        shutil.copytree(self.path / "data", to)

    def close(self):
        self.holder.kill()
        self.holder.communicate()


@contextlib.contextmanager
def make(directory, mib):
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        pytest.skip("there is no unshare and nsenter: a full disk was NOT tested")
    disk = SmallDisk(directory, mib)
    try:
        yield disk
    finally:
        disk.close()
