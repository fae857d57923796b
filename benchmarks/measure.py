"""Runs a command and prints its wall time, processor time and peak memory (of its largest process) as JSON."""

import json
import resource
import subprocess
import sys
import time

start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
wall = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"code": code, "wallS": wall, "cpuS": usage.ru_utime + usage.ru_stime, "peakMb": usage.ru_maxrss / 1024}))
