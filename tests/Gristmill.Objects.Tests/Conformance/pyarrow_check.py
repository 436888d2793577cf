"""What another implementation of Arrow says of the store's segments.

    make FOLDER      writes files and streams of every type that pyarrow can write, and JSON twins
    check MANIFEST   of pairs, a line each: what came in, and the segment that was made of it. Every batch must equal the one
                     that came, schema, metadata and names included, and be valid in full unless the one that came is not,
                     either: some of the official files hold decimals beyond their precision and dates that are no whole days
"""

import datetime
import decimal
import os
import sys

import numpy as np
import pyarrow as pa
from pyarrow_twin import twin

TEXTS = ["", "ä", None, "a rather long text that no view holds", "short", None, "another of the long texts, behind the first"]


def texts(kind):
    return pa.array(TEXTS, pa.string()).cast(kind)


def runs(ends, values):
    return pa.RunEndEncodedArray.from_arrays(pa.array([2, 5, 7], ends), values)


def columns():
    """One array of seven values a type."""
    numbers = [0, 1, None, 100, 42, None, 127]
    for kind in [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]:
        yield str(kind), pa.array(numbers, kind)
    for kind, type_ in [("float16", np.float16), ("float32", np.float32), ("float64", np.float64)]:
        yield kind, pa.array(np.array([0, -0.0, 1.5, 0.1, -1e-7, 6.1e-5, -2.5], type_), mask=np.array([False, False, True] + [False] * 4))
        yield f"infinite_{kind}", pa.array(np.array([np.inf, -np.inf, np.finfo(type_).max, np.finfo(type_).tiny, 0, 1, 2], type_))
    yield "bool", pa.array([True, None, False, True, True, None, False])
    yield "null", pa.nulls(7)
    for make, digits in [(pa.decimal32, 9), (pa.decimal64, 18), (pa.decimal128, 38), (pa.decimal256, 76)]:
        most = decimal.Decimal(int("9" * digits)).scaleb(-3, decimal.Context(prec=80))
        yield f"decimal_{digits}", pa.array([most, None, most.copy_negate(), decimal.Decimal("0.001"), None, decimal.Decimal("-1.5"), decimal.Decimal(0)], make(digits, 3))
    days = [datetime.date(1970, 1, 1), None, datetime.date(2026, 11, 27), datetime.date(1, 1, 1), datetime.date(9999, 12, 31), None, datetime.date(1969, 12, 31)]
    yield "date32", pa.array(days, pa.date32())
    yield "date64", pa.array(days, pa.date64())
    for unit in ["s", "ms", "us", "ns"]:
        yield f"time_{unit}", pa.array([0, 1, None, 86399, 5, None, 7], pa.int64()).cast(pa.int32() if unit in ("s", "ms") else pa.int64()).cast(
            pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit))
        yield f"timestamp_{unit}", pa.array([0, -1, None, 2**62, -(2**62), None, 7], pa.timestamp(unit))
        yield f"timestamp_{unit}_zone", pa.array([0, -1, None, 10**15, 5, None, 7], pa.timestamp(unit, "Europe/Vienna"))
        yield f"duration_{unit}", pa.array([0, -1, None, 2**62, 5, None, 7], pa.duration(unit))
    yield "month_day_nano", pa.array([pa.MonthDayNano([1, -2, 3]), None, pa.MonthDayNano([-(2**31), 2**31 - 1, 2**63 - 1])] + [None] * 4)
    yield "fixed_size_binary", pa.array([b"abc", None, b"\x00\xff\x01"] + [b"xyz"] * 4, pa.binary(3))
    for kind in [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]:
        yield str(kind), texts(kind)
    yield "views_of_several_buffers", pa.concat_arrays([texts(pa.string_view())] * 40)
    lists = [[1, None, 2], None, [], [3], [4, 5], None, [6]]
    for make in [pa.list_, pa.large_list, pa.list_view, pa.large_list_view]:
        yield str(make(pa.int32())), pa.array(lists, make(pa.int32()))
    yield "list_view_out_of_order", pa.ListViewArray.from_arrays(pa.array([4, 0, 2, 2, 0, 5, 6]), pa.array([2, 3, 0, 4, 7, 1, 0]), pa.array([1, 2, None, 4, 5, 6, 7]))
    yield "fixed_size_list", pa.array([[1, 2], None, [None, 4]] + [[5, 6]] * 4, pa.list_(pa.int16(), 2))
    yield "map", pa.array([[("a", 1), ("b", None)], None, []] + [[("c", 3)]] * 4, pa.map_(pa.string(), pa.int32()))
    yield "map_sorted_of_other_names", pa.array([[("a", 1), ("b", None)]] * 7, pa.map_(pa.field("k", pa.string(), nullable=False), pa.field("v", pa.int32()), keys_sorted=True))
    structs = pa.StructArray.from_arrays([pa.array(numbers, pa.int32()), texts(pa.string())], names=["n", "t"], mask=pa.array([False, True] + [False] * 5))
    yield "struct", structs
    yield "list_of_struct", pa.ListArray.from_arrays(pa.array([0, 1, 1, 3, 4, 5, 6, 7]), structs)
    ids = pa.array([0, 1, 0, 1, 1, 0, 0], pa.int8())
    yield "sparse_union", pa.UnionArray.from_sparse(ids, [pa.array(numbers, pa.int32()), texts(pa.string())])
    yield "dense_union", pa.UnionArray.from_dense(pa.array([5, 7, 5, 7, 7, 5, 5], pa.int8()), pa.array([0, 0, 1, 1, 2, 2, 3], pa.int32()),
                                                  [pa.array([1, None, 3, 4], pa.int32()), texts(pa.string())[:3]], type_codes=[5, 7])
    for ends in [pa.int16(), pa.int32(), pa.int64()]:
        yield f"runs_{ends}", runs(ends, texts(pa.string())[:3])
    yield "runs_of_lists", runs(pa.int32(), pa.array(lists)[:3])
    yield "list_of_runs", pa.ListArray.from_arrays(pa.array([0, 1, 1, 3, 4, 5, 6, 7]), runs(pa.int32(), texts(pa.string())[:3]))
    indices = [0, 1, None, 1, 2, 0, None]
    for kind in [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]:
        yield f"dictionary_{kind}", pa.DictionaryArray.from_arrays(pa.array(indices, kind), texts(pa.string())[1:4])
    yield "dictionary_ordered", pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), pa.array([1, 2, 3]), ordered=True)
    for name, values in [("views", texts(pa.string_view())[1:4]), ("bools", pa.array([True, False, None])), ("lists", pa.array(lists)[:3]), ("structs", structs[:3]),
                         ("decimals", pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("2.5")], pa.decimal64(10, 2)))]:
        yield f"dictionary_of_{name}", pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), values)
    words = pa.DictionaryArray.from_arrays(pa.array([1, 0, None], pa.int8()), pa.array(["x", "y"]))
    yield "dictionary_of_lists_of_dictionary", pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), pa.ListArray.from_arrays(pa.array([0, 2, 2, 3]), words))
    yield "runs_of_dictionary", runs(pa.int32(), words)
    yield "uuid", pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(i, i + 16)) for i in range(7)], pa.binary(16)))
    yield "tensor", pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.float32(), [2, 1]), pa.array([[1.0, 2.0]] * 7, pa.list_(pa.float32(), 2)))
    yield "opaque", pa.ExtensionArray.from_storage(pa.opaque(pa.int32(), "t", "v"), pa.array(numbers, pa.int32()))


def dictionaries():
    """Tables whose batches bring dictionaries of their own, that grow or that are others."""
    for name, words in [("strings", ["a", "bb", "ccc", "dddd"]), ("numbers", [1, 2, 3, 4]), ("nothing", ["a", None, "b", "c"])]:
        grow = [pa.array(words[:2]), pa.array(words[:3]), pa.array(words)]
        yield f"growing_{name}", [pa.DictionaryArray.from_arrays(pa.array([0, len(d) - 1, None], pa.int16()), d) for d in grow]
        other = [pa.array(words[:2]), pa.array(words[2:]), pa.array(words[:2]), pa.array(words[1:3])]
        yield f"replaced_{name}", [pa.DictionaryArray.from_arrays(pa.array([1, 0, None], pa.int16()), d) for d in other]
    for name, values in [("views", texts(pa.string_view())), ("bools", pa.array([True, False, None, True, False, None, True])), ("lists", pa.array([[1], [2, 3], None, [], [4], [5], [6]])),
                         ("structs", pa.array([{"a": i, "b": str(i)} for i in range(7)]))]:
        yield f"growing_{name}", [pa.DictionaryArray.from_arrays(pa.array([0, n - 1, None], pa.int16()), values[:n]) for n in (3, 5, 7)]
        yield f"replaced_{name}", [pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int16()), values[n:n + 2]) for n in (0, 3, 0)]


def write(path, batches, options=None):
    schema = batches[0].schema
    with pa.ipc.new_stream(path + ".stream", schema, options=options) as stream:
        for batch in batches:
            stream.write_batch(batch)
    with pa.ipc.new_file(path + ".arrow_file", schema, options=options) as file:
        for batch in batches:
            file.write_batch(batch)


def make(folder):
    os.makedirs(folder, exist_ok=True)
    for name, array in columns():
        field = pa.field("x", array.type, metadata={"of": "the field", "empty": ""})
        whole = pa.record_batch([array], schema=pa.schema([field], metadata={"of": "the schema"}))
        path = os.path.join(folder, name.replace("<", "_").replace(">", "_").replace(": ", "_").replace("[", "_").replace("]", ""))
        write(path, [whole, whole.slice(1, 4), whole.slice(3, 0), whole.slice(5)])
        write(path + "-lz4", [whole], pa.ipc.IpcWriteOptions(compression="lz4"))
        write(path + "-zstd", [whole, whole.slice(2)], pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 3)))
        if not isinstance(array.type, pa.BaseExtensionType) and not name.startswith("infinite"):
            # As it comes back, so that nothing starts elsewhere than its buffers.
            plain = read(path + "-lz4.stream")[1][0]
            write(path + "-twin", [plain])
            with open(path + "-twin.json", "w", encoding="utf-8") as file:
                file.write(twin(plain))
        if "union" not in name:
            write(path + "-v4", [whole], pa.ipc.IpcWriteOptions(metadata_version=pa.ipc.MetadataVersion.V4, use_legacy_format=True))
    for name, arrays in dictionaries():
        batches = [pa.record_batch([array], names=["x"]) for array in arrays]
        with pa.ipc.new_stream(os.path.join(folder, name + ".stream"), batches[0].schema, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as stream:
            for batch in batches:
                stream.write_batch(batch)
        if name.startswith("growing"):
            with pa.ipc.new_file(os.path.join(folder, name + ".arrow_file"), batches[0].schema, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as file:
                for batch in batches:
                    file.write_batch(batch)


def read(path):
    if path.endswith(".stream"):
        with pa.ipc.open_stream(path) as reader:
            return reader.schema, list(reader)
    with pa.ipc.open_file(path) as reader:
        return reader.schema, [reader.get_batch(i) for i in range(reader.num_record_batches)]


def differences(came, segment):
    schema, batches = read(came)
    stored_schema, stored = read(segment)
    if not stored_schema.equals(schema, check_metadata=True):
        yield f"schema:\n{stored_schema}\nin place of\n{schema}"
    if len(stored) != len(batches):
        yield f"{len(stored)} batches in place of {len(batches)}"
    stream = as_stream(segment)
    if len(stream) != len(stored) or not all(same(one, other) for one, other in zip(stream, stored)):
        yield "as a stream it holds something else"
    for i, (one, other) in enumerate(zip(stored, batches)):
        if invalid(one) != invalid(other):
            yield f"batch {i}: {invalid(one)}"
        if not same(one, other):
            yield f"batch {i}:\n{one.to_pylist()}\nin place of\n{other.to_pylist()}"


def invalid(batch):
    try:
        return batch.validate(full=True)
    except pa.ArrowInvalid as e:
        return str(e)


def as_stream(segment):
    """What stands between the first bytes of a file and its footer is a stream."""
    with pa.memory_map(segment) as file, pa.ipc.open_stream(file.read_buffer()[8:]) as reader:
        return list(reader)


def same(one, other):
    # A segment has one dictionary for all batches: where they brought several, values are compared in place of indices.
    return one.equals(other, check_metadata=True) or (
        has_dictionary(one.schema) and one.schema.equals(other.schema, check_metadata=True) and one.to_pylist() == other.to_pylist())


def has_dictionary(schema):
    return any(pa.types.is_dictionary(field.type) for field in schema)


def check(manifest):
    wrong = checked = 0
    with open(manifest, encoding="utf-8") as lines:
        for came, segment in (line.rstrip("\n").split("\t") for line in lines):
            try:
                problems = list(differences(came, segment))
            except Exception as e:  # noqa: BLE001: whatever it is, it is this file's
                problems = [f"{type(e).__name__}: {e}"]
            checked += 1
            wrong += bool(problems)
            for problem in problems:
                print(f"{came}: {problem}")
    print(f"{checked} segments checked by pyarrow {pa.__version__}, {wrong} wrong")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    command, argument = sys.argv[1:]
    sys.exit(make(argument) if command == "make" else check(argument))
