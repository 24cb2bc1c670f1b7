"""A real Ray cluster of several nodes on this machine, in a process of its own that is told what to do by lines.

``import ray`` reads the environment once, so the process that holds the cluster must begin with the right one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MEMORY = {"object_store_memory": 120_000_000}


class RayCluster:
    """A head without room for trials, and nodes with room for one each."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ray_cluster"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self._ask("start")

    def fill_up(self, nodes=2) -> None:
        """Have so many nodes beside the head."""
        self._ask(f"fill {nodes}")

    def remove(self, node: str) -> None:
        """Let a node vanish, as if it had lost its power."""
        self._ask(f"remove {node}")

    def close(self) -> None:
        self._process.communicate(timeout=60)

    def _ask(self, words: str) -> str:
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)["answer"]
        raise AssertionError("The cluster's process has ended.")


def main() -> None:
    from ray.cluster_utils import Cluster

    cluster = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        answer = ""
        if command == "start":
            cluster = Cluster(
                initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **MEMORY}
            )
            answer = cluster.address
        elif command == "fill":
            for _ in range(int(argument) + 1 - len(cluster.list_all_nodes())):
                cluster.add_node(num_cpus=1, **MEMORY)
        elif command == "remove":
            (node,) = [one for one in cluster.list_all_nodes() if one.node_id == argument]
            cluster.remove_node(node, allow_graceful=False)
        print(json.dumps({"answer": answer}), flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
