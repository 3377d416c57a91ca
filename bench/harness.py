"""What the measurements share: the programs under test as child processes on loopback, and their load.

The programs are built by CMake's preset `bench` into build/bench; OCCURD_BENCH_BUILD names another
build directory.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("OCCURD_BENCH_BUILD", ROOT / "build" / "bench"))
KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
POPULATION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TICK = os.sysconf("SC_CLK_TCK")
START_S = 60
CALM_KEY = "5d3cfa9e-0a51-4c1f-9c44-c0f4cbf2b1cc"
CALM_POPULATION = "0c4f6c8e-2f5e-4a63-8f2a-8d6f2ce0c1d7"

PROVISION = f"""
workspaces:
  - id: {POPULATION}
    name: bench
    contact_fields: [gender, age]
    keys:
      - {{ secret: {KEY}, name: bench, scopes: [events.write, contacts.read, contacts.write, definitions.read, admin] }}
    definitions:
      - name: order.completed
        fields:
          - {{ name: order_id, type: string, required: true }}
          - {{ name: total, type: number, required: true }}
      - name: purchase
      - name: addToCart
        fields:
          - {{ name: transactionId, type: string }}
          - {{ name: fromPromoCampaign, type: boolean }}
          - {{ name: totalCost, type: number }}
          - name: itemsInCart
            type: array
            fields:
              - {{ name: itemId, type: integer }}
              - {{ name: price, type: number }}
              - {{ name: quantity, type: integer }}
              - {{ name: inStockSince, type: datetime }}
              - {{ name: category, type: string }}
    limits: {{ requests_per_second: -1 }}
  - id: {CALM_POPULATION}
    name: calm
    keys:
      - {{ secret: {CALM_KEY}, name: calm, scopes: [events.write] }}
    definitions:
      - name: order.completed
        fields:
          - {{ name: order_id, type: string, required: true }}
          - {{ name: total, type: number, required: true }}
    limits: {{ requests_per_second: -1 }}
"""

NGINX = """
worker_processes auto;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            default_type application/json;
            return {status} '{body}';
        }}
    }}
}}
"""

# What each kind of request is answered, as occurd answers it.
FIXED = {
    "arsel": (202, '{"id":"01957e3a-4b5c-7d8e-9f0a-1b2c3d4e5f6a","status":"accepted"}'),
    "pristo": (201, '{"ok":true,"status":201,"statusText":"Created","body":null,"raw":"6yC9g6vFzUmFBwjeeulYnQ"}'),
}


def program(name):
    """A program of the build, built when it is not there."""
    path = BUILD / ("occurd" if name == "occurd" else f"bench/{name}")
    if not path.exists():
        for command in (["cmake", "--preset", "bench"], ["cmake", "--build", "--preset", "bench"]):
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    if not path.exists():
        sys.exit(f"there is no {path}")
    return path


def need(*names):
    os.environ["PATH"] += ":/usr/sbin"
    for name in names:
        if not shutil.which(name):
            sys.exit(f"this needs {name}; the Debian packages are wrk and nginx-light")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def await_port(port, process, seconds=START_S):
    for _ in range(seconds * 50):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    sys.exit(f"{process.args[0]} did not start")


# What was started is ended also when the measurement is.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class Server:
    """A child process, with its own children, that listens on a port of the loopback address."""

    def __init__(self, process, port):
        self.process, self.port = process, port

    def family(self):
        """The process and all below it: nginx serves from workers."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    found += [int(c) for c in (task / "children").read_text().split()]
        return found

    def cpu_seconds(self):
        total = 0
        for pid in self.family():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICK

    def resident_bytes(self):
        status = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in self.family()]
        return sum(int(re.search(r"VmRSS:\s+(\d+)", s)[1]) for s in status) * 1024

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def provision(directory, workspaces=""):
    path = directory / "provision.yaml"
    path.write_text(PROVISION + workspaces)
    return path


def halves():
    """The processors in two halves; with one only, nothing can be divided."""
    all_cpus = sorted(os.sched_getaffinity(0))
    half = len(all_cpus) // 2
    return (set(all_cpus[:half]), set(all_cpus[half:])) if half else (None, None)


def pin(pid, cpus):
    if cpus:
        os.sched_setaffinity(pid, cpus)


def occurd(directory, threads=0, data="data", more=(), cpus=None, binary=None, workspaces=""):
    command = [binary or program("occurd"), "serve", "--listen", "127.0.0.1:0", "--data", directory / data,
               "--provision", provision(directory, workspaces), *more]
    if threads:
        command += ["--threads", str(threads)]
    with open(directory / "occurd.log", "a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=log,
                                   preexec_fn=lambda: pin(0, cpus))
    line = process.stdout.readline()
    if not line.startswith("occurd ready "):
        process.wait()
        sys.exit(f"occurd did not start: {(directory / 'occurd.log').read_text()}")
    return Server(process, int(line.rsplit(":", 1)[1]))


def certificate(directory):
    """One of ours for this run, as the arguments that make occurd speak TLS with it."""
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True,
                   capture_output=True)
    return ["--tls-cert", cert, "--tls-key", key]


def nginx(directory, kind, cpus=None):
    """Answers every request with what occurd answers to a good one of that kind."""
    port, (status, body) = free_port(), FIXED[kind]
    conf = directory / "nginx.conf"
    conf.write_text(NGINX.format(dir=directory, port=port, status=status, body=body))
    process = subprocess.Popen(["nginx", "-c", conf, "-p", directory, "-e", directory / "error.log"],
                               preexec_fn=lambda: pin(0, cpus))
    await_port(port, process)
    return Server(process, port)


def fill(directory, events, contacts, data="data"):
    subprocess.run([program("bench_fill"), directory / data, provision(directory), str(events), str(contacts)],
                   check=True)


def sync_us(directory, size=4096):
    """Medians of a bare write and fdatasync: of a file that grows, of one that is overwritten."""
    out = subprocess.run([program("bench_sync"), directory, str(size)], check=True, capture_output=True, text=True)
    return json.loads(out.stdout.split("RESULT ")[1])


def run_load(server, kind, key=KEY, **options):
    """One run of bench/load; an option `fresh_ones=3` is its --fresh-ones 3. What it saw, and `cpu_us`
    of the server per request."""
    with begin_load(server, kind, key, **options) as running:
        return running.seen()


class Load:
    """A run of bench/load that goes on while something else happens."""

    def __init__(self, server, process, options):
        self.server, self.process, self.options = server, process, options
        self.cpu_before = server.cpu_seconds()

    def seen(self):
        out, _ = self.process.communicate()
        if self.process.returncode:
            sys.exit(f"bench/load ended with {self.process.returncode}: {out}")
        cpu = self.server.cpu_seconds() - self.cpu_before
        seen = json.loads(out.split("RESULT ")[1])
        answers = sum(seen["status"].values())
        # The warm-up's requests cost as much as those that are counted.
        warmup = float(self.options.get("warmup", 1))
        share = 1 if "requests" in self.options else seen["seconds"] / (seen["seconds"] + warmup)
        seen["cpu_us"] = cpu * share / max(answers, 1) * 1e6
        return seen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def begin_load(server, kind, key=KEY, **options):
    command = [program("bench_load"), "--port", str(server.port), "--kind", kind, "--key", key,
               "--population", POPULATION]
    for name, value in options.items():
        command += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return Load(server, process, options)


def all_good(seen):
    return bool(seen["status"]) and not seen["lost"] and all(s.startswith("2") for s in seen["status"])


def load(server, kind, **options):
    """Likewise; ends the program when any request did not succeed."""
    seen = run_load(server, kind, **options)
    if not all_good(seen):
        sys.exit(f"requests failed: {seen}")
    return seen


def median(runs, field):
    return statistics.median(run[field] for run in runs)


def scratch(where=None):
    """A directory that is gone afterwards, on the disk that is to be measured."""
    return tempfile.TemporaryDirectory(prefix="occurd-bench-", dir=where)
