"""Writes a record batch in the JSON format of Arrow's integration tests, from the buffers that pyarrow has of it.

It knows the types that the official files do not have, so that the tests' reader of that format is tried on each.
"""

import json
import struct

import numpy as np
import pyarrow as pa
from pyarrow import types as kinds

PREFIXES = {"s": "SECOND", "ms": "MILLISECOND", "us": "MICROSECOND", "ns": "NANOSECOND"}
NAMES = [
    (kinds.is_boolean, "bool"), (kinds.is_null, "null"), (kinds.is_string, "utf8"), (kinds.is_large_string, "largeutf8"), (kinds.is_binary, "binary"),
    (kinds.is_large_binary, "largebinary"), (kinds.is_string_view, "utf8view"), (kinds.is_binary_view, "binaryview"), (kinds.is_list, "list"), (kinds.is_large_list, "largelist"),
    (kinds.is_list_view, "listview"), (kinds.is_large_list_view, "largelistview"), (kinds.is_struct, "struct"), (kinds.is_run_end_encoded, "runendencoded"),
]


def twin(batch):
    dictionaries = []
    fields = [field_of(field, batch.column(i), dictionaries) for i, field in enumerate(batch.schema)]
    columns = [column(field.name, batch.column(i)) for i, field in enumerate(batch.schema)]
    return json.dumps({
        "schema": {"fields": fields, "metadata": pairs(batch.schema.metadata)},
        "dictionaries": [{"id": i, "data": {"count": len(values), "columns": [column(f"DICT{i}", values)]}} for i, values in enumerate(dictionaries)],
        "batches": [{"count": batch.num_rows, "columns": columns}],
    })


def pairs(metadata):
    return [{"key": key.decode(), "value": value.decode()} for key, value in (metadata or {}).items()]


def field_of(field, array, dictionaries):
    out = {"name": field.name, "nullable": field.nullable, "metadata": pairs(field.metadata)}
    kind, values = field.type, array
    if kinds.is_dictionary(kind):
        index = kind.index_type
        kind, values = kind.value_type, array.dictionary
    out["type"] = type_of(kind)
    out["children"] = [field_of(child, inner, dictionaries) for child, inner in children(kind, values)]
    if kinds.is_dictionary(field.type):
        out["dictionary"] = {"id": len(dictionaries), "indexType": type_of(index), "isOrdered": field.type.ordered}
        dictionaries.append(values)
    return out


def type_of(kind):
    for matches, name in NAMES:
        if matches(kind):
            return {"name": name}
    if kinds.is_integer(kind):
        return {"name": "int", "bitWidth": kind.bit_width, "isSigned": kinds.is_signed_integer(kind)}
    if kinds.is_floating(kind):
        return {"name": "floatingpoint", "precision": {16: "HALF", 32: "SINGLE", 64: "DOUBLE"}[kind.bit_width]}
    if kinds.is_decimal(kind):
        return {"name": "decimal", "precision": kind.precision, "scale": kind.scale, "bitWidth": kind.bit_width}
    if kinds.is_date(kind):
        return {"name": "date", "unit": "DAY" if kind.bit_width == 32 else "MILLISECOND"}
    if kinds.is_time(kind):
        return {"name": "time", "unit": PREFIXES[kind.unit], "bitWidth": kind.bit_width}
    if kinds.is_timestamp(kind):
        return {"name": "timestamp", "unit": PREFIXES[kind.unit], **({"timezone": kind.tz} if kind.tz else {})}
    if kinds.is_duration(kind):
        return {"name": "duration", "unit": PREFIXES[kind.unit]}
    if kind.equals(pa.month_day_nano_interval()):
        return {"name": "interval", "unit": "MONTH_DAY_NANO"}
    if kinds.is_fixed_size_binary(kind):
        return {"name": "fixedsizebinary", "byteWidth": kind.byte_width}
    if kinds.is_fixed_size_list(kind):
        return {"name": "fixedsizelist", "listSize": kind.list_size}
    if kinds.is_map(kind):
        return {"name": "map", "keysSorted": kind.keys_sorted}
    if kinds.is_union(kind):
        return {"name": "union", "mode": kind.mode.upper(), "typeIds": kind.type_codes}
    raise NotImplementedError(str(kind))


def children(kind, array):
    if kinds.is_map(kind):
        entries = pa.StructArray.from_arrays([array.keys, array.items], fields=[kind.key_field, kind.item_field])
        return [(pa.field("entries", entries.type, nullable=False), entries)]
    if kinds.is_struct(kind) or kinds.is_union(kind):
        return [(kind.field(i), array.field(i)) for i in range(kind.num_fields)]
    if kinds.is_run_end_encoded(kind):
        return [(pa.field("run_ends", kind.run_end_type, nullable=False), array.run_ends), (pa.field("values", kind.value_type), array.values)]
    if kinds.is_nested(kind):
        return [(kind.value_field, array.values)]
    return []


def column(name, array):
    kind = array.type
    out = {"name": name, "count": len(array)}
    if kinds.is_null(kind):
        return out
    if kinds.is_dictionary(kind):
        return {**out, **column(name, array.indices)}
    if not kinds.is_union(kind) and not kinds.is_run_end_encoded(kind):
        out["VALIDITY"] = [int(valid) for valid in array.is_valid().to_pylist()]
    out.update(values_of(kind, array))
    inner = [column(field.name, child) for field, child in children(kind, array)]
    if inner:
        out["children"] = inner
    return out


def values_of(kind, array):
    buffers, count = array.buffers(), len(array)
    if kinds.is_union(kind):
        offsets = {"OFFSET": ints(buffers[2], np.int32, count)} if kind.mode == "dense" else {}
        return {"TYPE_ID": ints(buffers[1], np.int8, count), **offsets}
    if kinds.is_struct(kind) or kinds.is_run_end_encoded(kind) or kinds.is_fixed_size_list(kind):
        return {}
    if kinds.is_list_view(kind) or kinds.is_large_list_view(kind):
        width = np.int64 if kinds.is_large_list_view(kind) else np.int32
        return {"OFFSET": ints(buffers[1], width, count), "SIZE": ints(buffers[2], width, count)}
    if kinds.is_string_view(kind) or kinds.is_binary_view(kind):
        return {"VIEWS": [view(buffers[1].to_pybytes()[16 * i:16 * i + 16], kinds.is_string_view(kind)) for i in range(count)],
                "VARIADIC_DATA_BUFFERS": [buffer.to_pybytes().hex().upper() for buffer in buffers[2:]]}
    if kinds.is_string(kind) or kinds.is_binary(kind) or kinds.is_large_string(kind) or kinds.is_large_binary(kind) or kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_map(kind):
        large = kinds.is_large_string(kind) or kinds.is_large_binary(kind) or kinds.is_large_list(kind)
        offsets = ints(buffers[1], np.int64 if large else np.int32, count + 1)
        if kinds.is_nested(kind):
            return {"OFFSET": offsets}
        data = buffers[2].to_pybytes() if buffers[2] else b""
        values = [data[int(start):int(end)] for start, end in zip(offsets, offsets[1:])]
        return {"OFFSET": offsets, "DATA": [value.decode() if kinds.is_string(kind) or kinds.is_large_string(kind) else value.hex().upper() for value in values]}
    if kinds.is_boolean(kind):
        return {"DATA": [bool(value) for value in array.to_pylist()]}
    width = kind.bit_width // 8
    data = buffers[1].to_pybytes()
    values = [data[width * i:width * (i + 1)] for i in range(count)]
    if kinds.is_float16(kind):
        return {"DATA": [int.from_bytes(value, "little") for value in values]}
    if kinds.is_floating(kind):
        return {"DATA": [struct.unpack("<f" if width == 4 else "<d", value)[0] for value in values]}
    if kinds.is_decimal(kind):
        return {"DATA": [str(int.from_bytes(value, "little", signed=True)) for value in values]}
    if kind.equals(pa.month_day_nano_interval()):
        return {"DATA": [dict(zip(("months", "days", "nanoseconds"), struct.unpack("<iiq", value))) for value in values]}
    if kinds.is_fixed_size_binary(kind):
        return {"DATA": [value.hex().upper() for value in values]}
    integers = [int.from_bytes(value, "little", signed=not kinds.is_unsigned_integer(kind)) for value in values]
    return {"DATA": [str(value) for value in integers] if width == 8 else integers}


def ints(buffer, width, count):
    values = np.frombuffer(buffer, width)[:count].tolist() if buffer else [0] * count
    return [str(value) for value in values] if width == np.int64 else values


def view(raw, text):
    size = struct.unpack("<i", raw[:4])[0]
    if size <= 12:
        return {"SIZE": size, "INLINED": raw[4:4 + size].decode() if text else raw[4:4 + size].hex().upper()}
    index, offset = struct.unpack("<ii", raw[8:])
    return {"SIZE": size, "PREFIX_HEX": raw[4:8].hex().upper(), "BUFFER_INDEX": index, "OFFSET": offset}
