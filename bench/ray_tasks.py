"""No-op tasks a second on Ray, all submitted at once, as its own microbenchmark does. Prints one JSON line."""
import json
import sys
import time

import ray

count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)


@ray.remote
def noop():
    return None


ray.get([noop.remote() for _ in range(200)])
best = 0.0
for _ in range(3):
    start = time.perf_counter()
    ray.get([noop.remote() for _ in range(count)])
    best = max(best, count / (time.perf_counter() - start))
ray.shutdown()
print(json.dumps({"tasks_per_s": best}))
