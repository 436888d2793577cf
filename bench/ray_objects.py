"""Puts and gets of objects of 1 KB on Ray, one after the other, and of a table of a gigabyte. Prints one JSON line."""
import json
import sys
import time

import numpy as np
import ray

count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
gigabyte = int(sys.argv[2]) if len(sys.argv) > 2 else 0
ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False, object_store_memory=(4 << 30) if gigabyte else (256 << 20))


def rate(work, times):
    start = time.perf_counter()
    result = work()
    return times / (time.perf_counter() - start), result


small = np.zeros(128)
refs = [ray.put(small) for _ in range(200)]
puts, refs = rate(lambda: [ray.put(small) for _ in range(count)], count)
gets, _ = rate(lambda: [ray.get(ref)[0] for ref in refs], count)
fresh, again = [], []
if gigabyte:
    import pyarrow as pa

    columns = {f"c{i}": np.arange(gigabyte // 64, dtype=np.float64) for i in range(8)}
    table = pa.table(columns)
    kept = []
    for _ in range(3):  # into memory that the store has not used yet
        start = time.perf_counter()
        kept.append(ray.put(table))
        fresh.append(time.perf_counter() - start)
    del kept
    time.sleep(0.5)
    for _ in range(7):  # into memory that the table before has left
        start = time.perf_counter()
        ref = ray.put(table)
        again.append(time.perf_counter() - start)
        del ref
        time.sleep(0.2)
ray.shutdown()
print(json.dumps({"puts_per_s": puts, "gets_per_s": gets, "fresh_put_seconds": sorted(fresh), "put_seconds": sorted(again)}))
