"""Flights through user code, as Python teams do it. Prints one JSON line.

    flows.py pandas FILE ROUNDS          reads, maps, and takes mean and count, all columns as read_parquet gives them; seconds of each round
    flows.py pandas-columns FILE ROUNDS  the same of the two columns that are used
    flows.py ray FILE                    the same with Ray Data, once, workers started beforehand
    flows.py ray-group FILE ...          reads many files, maps, and groups with Ray Data; seconds and CPU-seconds of Ray and all its workers
"""
import json
import os
import resource
import sys
import time


def late(rows):
    rows = rows.assign(late=rows["delay"] > 15)
    return rows[rows["distance"] > 0]


def pandas(path, rounds, columns):
    import pandas as pd

    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        rows = late(pd.read_parquet(path, columns=columns))
        mean, count = float(rows["late"].mean()), len(rows)
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "mean": mean, "count": count}


def start_ray():
    import ray

    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False, object_store_memory=2 << 30)
    ray.data.DataContext.get_current().enable_progress_bars = False
    # Workers are there before the clock starts.
    ray.get([ray.remote(lambda: 0).remote() for _ in range(4)])
    return ray


def ray_mean(path):
    ray = start_ray()
    start = time.perf_counter()
    mapped = ray.data.read_parquet(path, columns=["delay", "distance"]).map_batches(lambda b: late(b), batch_format="pandas")
    mean, count = mapped.mean("late"), mapped.count()
    seconds = time.perf_counter() - start
    ray.shutdown()
    return {"seconds": [seconds], "mean": float(mean), "count": count}


def cpu_seconds(root):
    """User and system time of a process tree, whose dead are counted by those that waited for them."""
    stats = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = open(f"/proc/{name}/stat").read().rsplit(")", 1)[1].split()
                stats[int(name)] = (int(fields[1]), sum(int(f) for f in fields[11:15]) / os.sysconf("SC_CLK_TCK"))
            except OSError:
                pass
    total, open_ = 0.0, [root]
    while open_:
        at = open_.pop()
        total += stats.get(at, (0, 0.0))[1]
        open_ += [pid for pid, (parent, _) in stats.items() if parent == at]
    return total


def ray_group(files):
    ray = start_ray()
    before, start = cpu_seconds(os.getpid()), time.perf_counter()

    def features(rows):
        import pandas as pd

        made = pd.DataFrame({"hour": rows["date"].dt.hour, "late": (rows["delay"] > 15).astype("float64"), "miles": rows["distance"].astype("float64")})
        return made[made["miles"] > 0]

    from ray.data.aggregate import Count, Mean

    grouped = (
        ray.data.read_parquet(files, columns=["date", "delay", "distance"])
        .map_batches(features, batch_format="pandas")
        .groupby("hour")
        .aggregate(Count(), Mean("late"), Mean("miles"))
    )
    groups = len(grouped.take_all())
    seconds = time.perf_counter() - start
    cpu = cpu_seconds(os.getpid()) - before
    ray.shutdown()
    return {"seconds": [seconds], "cpu_seconds": cpu, "groups": groups}


if sys.argv[1] == "pandas":
    result = pandas(sys.argv[2], int(sys.argv[3]), None)
elif sys.argv[1] == "pandas-columns":
    result = pandas(sys.argv[2], int(sys.argv[3]), ["delay", "distance"])
elif sys.argv[1] == "ray":
    result = ray_mean(sys.argv[2])
else:
    result = ray_group(sys.argv[2:])
result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(json.dumps(result), flush=True)
os._exit(0)
