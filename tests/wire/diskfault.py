"""A disk that takes nothing, made from outside: a limit of 0 bytes on the size of files that the
server may write. Sockets and pipes are not files in this sense."""

import contextlib
import resource


@contextlib.contextmanager
def full_disk(server):
    pid = server.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
