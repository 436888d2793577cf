"""The flights work as a Python team does it: pandas, scikit-learn's HistGradientBoosting, FastAPI with uvicorn.

File to served model, trees only: read, features, fit on January to March, AUC of April, May and June, serve, and one
prediction over HTTP. Prints one JSON line with wall and CPU seconds of everything, the server included.

Debian has no Parquet reader for its pandas, so the rows come as a pickled DataFrame, made beforehand and not timed:
    flights.py prepare rows.csv rows.pickle
    flights.py run rows.pickle
Unpickling takes less than reading Parquet would: the comparison errs in favour of this side.
"""
import json
import os
import resource
import socket
import sys
import threading
import time
import urllib.request

start = time.perf_counter()

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

if sys.argv[1] == "prepare":
    pd.read_csv(sys.argv[2], parse_dates=["date"]).to_pickle(sys.argv[3])
    print(json.dumps({"prepared": sys.argv[3]}))
    sys.exit()

rows = pd.read_pickle(sys.argv[2])
late = rows["delay"] > 15
features = pd.DataFrame(
    {
        "hour": rows["date"].dt.hour,
        "weekday": rows["date"].dt.weekday,
        "distance": rows["distance"],
        "origin": rows["origin"].astype("category"),
        "destination": rows["destination"].astype("category"),
    }
)
month = rows["date"].dt.month
train = month <= 3

# HistGradientBoosting takes at most 255 categories: the rarest airports share one code, as teams do.
codes = {}
for column in ("origin", "destination"):
    frequent = rows.loc[train, column].value_counts().index[:254]
    mapping = {name: i for i, name in enumerate(frequent)}
    codes[column] = mapping
    features[column] = rows[column].map(mapping).fillna(254).astype("int16")

model = HistGradientBoostingClassifier(
    max_iter=100,
    max_leaf_nodes=31,
    learning_rate=0.1,
    min_samples_leaf=20,
    categorical_features=[3, 4],
    early_stopping=False,
    random_state=0,
)
model.fit(features[train].to_numpy(), late[train].to_numpy())
auc = {}
for number, name in ((4, "2001-04"), (5, "2001-05"), (6, "2001-06")):
    part = month == number
    auc[name] = roc_auc_score(late[part], model.predict_proba(features[part].to_numpy())[:, 1])

from fastapi import FastAPI
from pydantic import BaseModel
import uvicorn


class Row(BaseModel):
    hour: int
    weekday: int
    distance: float
    origin: str
    destination: str


app = FastAPI()


@app.post("/predict")
def predict(row: Row):
    values = [[row.hour, row.weekday, row.distance, codes["origin"].get(row.origin, 254), codes["destination"].get(row.destination, 254)]]
    return {"score": float(model.predict_proba(values)[0, 1])}


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    time.sleep(0.01)
body = json.dumps({"hour": 17, "weekday": 4, "distance": 606, "origin": "ATL", "destination": "ORD"}).encode()
request = urllib.request.Request(f"http://127.0.0.1:{port}/predict", body, {"Content-Type": "application/json"})
score = json.load(urllib.request.urlopen(request))["score"]
wall = time.perf_counter() - start
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "auc": auc, "score": score, "rows": len(rows)}), flush=True)
os._exit(0)
