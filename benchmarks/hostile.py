"""Hostile requests to a service: schemathesis makes them of its OpenAPI document.

A run is served by ``hardsight serve``; no answer may be 5xx, and the service must live. The program
``schemathesis`` comes from an environment of its own:
``python benchmarks/hostile.py RUN --schemathesis ENV/bin/schemathesis [--examples 40]``
"""

import argparse
import json
import re
import subprocess
import tempfile
import urllib.request
from collections import Counter
from pathlib import Path

from serving import Server

REQUESTS = re.compile(r'hardsight_requests_total{route="(.*?)",status="(\d+)"} ([\d.]+)')
CHECKS = "not_a_server_error"
TIMEOUT = 120
"""Seconds of a request: a certificate takes as long on a busy machine."""


def answered(port: int) -> Counter:
    """Return how many requests were answered with which status, as the service counts them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    found: Counter = Counter()
    for _, status, count in REQUESTS.findall(text):
        found[status] += int(float(count))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--schemathesis", required=True, help="the program")
    parser.add_argument("--examples", type=int, default=40, help="of each operation")
    parser.add_argument("--output", type=Path, help="a .json file for the figures")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(args.run, Path(folder))
        names = f'[parameters]\n"path.name" = "{server.name}"\n'
        (Path(folder) / "schemathesis.toml").write_text(names, encoding="utf-8")
        words = [args.schemathesis, "run", f"http://127.0.0.1:{server.port}/openapi.json"]
        words += ["--checks", CHECKS, "--max-examples", str(args.examples), "--seed", "0"]
        words += ["--phases", "examples,coverage,fuzzing", "--exclude-method", "DELETE"]
        words += ["--suppress-health-check", "all", "--request-timeout", str(TIMEOUT)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False)
        alive = server.process.poll() is None
        statuses = answered(server.port) if alive else Counter()
        server.stop()
    print(done.stdout)
    found = {
        "requests": statuses.total(),
        "by status": dict(sorted(statuses.items())),
        "server errors": sum(n for status, n in statuses.items() if status >= "500"),
        "alive": alive,
        "schemathesis": "passed" if done.returncode == 0 else "failed",
    }
    text = json.dumps(found, indent=1)
    print(text)
    if args.output:
        args.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
