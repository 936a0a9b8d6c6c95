"""How much memory this process has needed at its peak."""

from pathlib import Path


def peak_mb() -> float:
    """Peak resident size in MB, imports included; Linux only.

    `getrusage` won't do: its maximum outlives exec, so a child begins with what its parent needed.
    """
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)
