"""One gigabyte by Arrow Flight to pyarrow: from its own C++ server, and from a Gristmill server.

    flight.py ours ADDRESS TICKET ROUNDS ROWS BATCHES    reads the ticket (in hexadecimal), and puts a table of the same shape
    flight.py theirs ROUNDS ROWS BATCHES                 the same from and to a server of pyarrow's own, in a process of its own
Prints one JSON line: seconds of each round, and the bytes of one.
"""
import json
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.flight as flight

COLUMNS = 8


def table(rows, batches):
    piece = [pa.array([float((c + r) % 1024) for r in range(1024)] * (rows // 1024), pa.float64()) for c in range(COLUMNS)]
    batch = pa.record_batch(piece, names=["c%d" % c for c in range(COLUMNS)])
    return pa.Table.from_batches([batch] * batches)


class Server(flight.FlightServerBase):
    def __init__(self, rows, batches):
        super().__init__("grpc://127.0.0.1:0")
        self.table = table(rows, batches)

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.table)

    def do_put(self, context, descriptor, reader, writer):
        # As our server does: taken whole, and kept.
        self.put = reader.read_all()


def read(client, ticket):
    start, total = time.perf_counter(), 0
    for chunk in client.do_get(ticket):
        total += chunk.data.nbytes
    return time.perf_counter() - start, total


def put(client, whole, path):
    start = time.perf_counter()
    writer, reader = client.do_put(flight.FlightDescriptor.for_path(*path), whole.schema)
    writer.write_table(whole)
    writer.done_writing()
    answer = reader.read()
    writer.close()
    return time.perf_counter() - start, None if answer is None else json.loads(answer.to_pybytes())["id"]


def measure(address, ticket, rounds, rows, batches):
    client = flight.connect(address)
    read(client, ticket)  # warms both sides up
    gets = [read(client, ticket) for _ in range(rounds)]
    whole = table(rows, batches)
    puts = []
    for _ in range(rounds):
        seconds, identity = put(client, whole, ["objects"])
        puts.append(seconds)
        if identity:
            list(client.do_action(flight.Action("drop", identity.encode())))
    return {"get": [seconds for seconds, _ in gets], "bytes": gets[0][1], "put": puts}


if sys.argv[1] == "serve":
    server = Server(int(sys.argv[2]), int(sys.argv[3]))
    print(server.port, flush=True)
    server.serve()
elif sys.argv[1] == "theirs":
    rounds, rows, batches = map(int, sys.argv[2:5])
    process = subprocess.Popen([sys.executable, __file__, "serve", str(rows), str(batches)], stdout=subprocess.PIPE, text=True)
    try:
        print(json.dumps(measure("grpc://127.0.0.1:" + process.stdout.readline().strip(), flight.Ticket(b"all"), rounds, rows, batches)))
    finally:
        process.kill()
        process.wait()
else:
    address, ticket = sys.argv[2], flight.Ticket(bytes.fromhex(sys.argv[3]))
    rounds, rows, batches = map(int, sys.argv[4:7])
    print(json.dumps(measure(address, ticket, rounds, rows, batches)))
