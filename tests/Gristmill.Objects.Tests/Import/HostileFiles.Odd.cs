using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects.Ipc;
using static Gristmill.Objects.Import.CraftedField;

namespace Gristmill.Objects.Import;

/// <summary>What looks wrong and is right: read, to the last value.</summary>
internal static partial class HostileFiles
{
    private static Hostile Good(string name, Func<byte[]> bytes) => new(name, bytes, null);

    private static IEnumerable<Hostile> Odd()
    {
        yield return Good("stream without an end", () => Crafted.Stream(s_number, Two)[..^8]);
        yield return Good("stream with something behind its end", () => [.. Crafted.Stream(s_number, Two), .. "and more"u8]);
        yield return Good("stream without marks before its lengths", () => Legacy(s_number, mark: false, Two));
        yield return Good("stream whose batches alone have marks", () => Legacy(s_number, mark: true, Two));
        yield return Good("metadata that is not padded", () => Framed(s_number, [.. Two.Message(), 0, 0, 0], Two.Body));
        yield return Good("metadata that is padded much", () => Framed(s_number, [.. Two.Message(), .. new byte[200]], Two.Body));
        yield return Good("metadata of version 4", () => Crafted.Stream(Schema([Integer("x")], version: 3), new CraftedBatch { Rows = 2, Version = 3 }.Node(2).Bytes().Ints(1, 2)));
        yield return Good("union of version 4 with a bitmap of ones", () => Crafted.Stream(Schema([UnionOf(0, 1)], version: 3),
            new CraftedBatch { Rows = 2, Version = 3 }.Node(2).Bytes(3).Bytes(0, 1).Ints(0, 0).Node(1).Bytes().Ints(1).Node(1).Bytes().Ints(2)));
        yield return Good("no fields and no batches", () => Crafted.Stream(Schema([])));
        yield return Good("no fields and rows", () => Crafted.Stream(Schema([]), Rows(5)));
        yield return Good("no batches", () => Crafted.Stream(s_number));
        yield return Good("no batches in a file", () => Crafted.File(s_number, []));
        yield return Good("batches without rows or buffers", () => Crafted.Stream(Of(StringType.Default), Rows(0).Node(0).Bytes().Bytes().Bytes(), Rows(0).Node(0).Bytes().Ints(0).Bytes()));
        yield return Good("fields of one name, and of none", () => Crafted.Stream(Schema([Integer("x"), Integer("x"), Integer("")]),
            Rows(1).Node(1).Bytes().Ints(1).Node(1).Bytes().Ints(2).Node(1).Bytes().Ints(3)));
        yield return Good("types nested sixty deep", () => Crafted.Stream(Schema([Deep(60)])));
        yield return Good("two billion nulls", () => Crafted.Stream(Of(NullType.Default), Rows(int.MaxValue).Node(int.MaxValue, int.MaxValue)));
        yield return Good("two billion rows of one run", () => Crafted.Stream(Of(new RunEndEncodedType(Int32Type.Default, Int32Type.Default)),
            Rows(int.MaxValue).Node(int.MaxValue).Node(1).Bytes().Ints(int.MaxValue).Node(1).Bytes().Ints(7)));
        yield return Good("runs that go on behind the last row", () => Crafted.Stream(Of(new RunEndEncodedType(Int32Type.Default, Int32Type.Default)),
            Rows(3).Node(3).Node(3).Bytes().Ints(2, 9, 11).Node(4).Bytes().Ints(7, 8, 9, 10)));
        yield return Good("nulls claimed of types that have no bitmap", () => Crafted.Stream(Schema([Nested(RunEnd, Integer("run_ends"), Integer("values")), UnionOf(0, 1)]),
            Rows(2).Node(2, 1).Node(1).Bytes().Ints(2).Node(1).Bytes().Ints(7).Node(2, 2).Bytes(0, 1).Ints(0, 0).Node(1).Bytes().Ints(1).Node(1).Bytes().Ints(2)));
        yield return Good("text offsets that start late", () => Crafted.Stream(Of(StringType.Default), Rows(2).Node(2).Bytes().Ints(2, 4, 4).Bytes("abcd"u8)));
        yield return Good("bitmap where nothing is null", () => Crafted.Stream(s_number, Rows(2).Node(2).Bytes(3).Ints(1, 2)));
        yield return Good("noise under nulls", () => Crafted.Stream(Schema([Encoded("x", 0), new CraftedField("y", Utf8View), new CraftedField("z", Utf8)]), Words(0),
            new CraftedBatch { Rows = 2, Variadic = [0] }.Node(2, 1).Bytes(1).Ints(1, -9).Node(2, 1).Bytes(1).Bytes(Views((3, 0, 0), (-1, 77, -5))).Node(2, 1).Bytes(1).Ints(0, 1, 2).Bytes(0x61, 0xff)));
        yield return Good("views that share a text", () => Crafted.Stream(Of(StringViewType.Default), new CraftedBatch { Rows = 3000, Variadic = [20] }.Node(3000).Bytes()
            .Bytes(Views([.. Enumerable.Range(0, 3000).Select(i => (1000, i % 20, 0))])).Repeat(20, batch => batch.Bytes([.. "abcd"u8, .. Enumerable.Repeat((byte)'x', 996)]))));
        yield return Good("buffers that were not compressed after all", () => Crafted.Stream(s_number, Squeezed(Zstd, 2).Node(2).Bytes().Bytes([.. BitConverter.GetBytes(-1L), 1, 0, 0, 0, 2, 0, 0, 0])));
        yield return Good("buffers of codec and no bytes", () => Crafted.Stream(Of(StringType.Default), Squeezed(Lz4, 0).Node(0).Bytes().Bytes().Longs(0)));
        yield return Good("dictionary that comes after a batch of nulls", () => Crafted.Stream(Schema([Encoded("x", 7)]), Rows(2).Node(2, 2).Bytes(0).Ints(0, 0), Words(7), Rows(1).Node(1).Bytes().Ints(1)));
        yield return Good("dictionary behind the batches of a file", () => Crafted.File(EncodedSchema, [Rows(2).Node(2).Bytes().Ints(1, 0), Words(0)]));
        yield return Good("dictionary that grows between batches", () => Crafted.Stream(Schema([Encoded("x", 7)]), Words(7), Rows(1).Node(1).Bytes().Ints(1), Words(7, delta: true), Rows(1).Node(1).Bytes().Ints(3)));
        yield return Good("dictionary that grows in a file", () => Crafted.File(EncodedSchema, [Words(0), Words(0, delta: true), Rows(1).Node(1).Bytes().Ints(3)]));
        yield return Good("dictionary that is replaced", () => Crafted.Stream(Schema([Encoded("x", 7)]), Words(7), Rows(1).Node(1).Bytes().Ints(1),
            new CraftedBatch { Rows = 1, Dictionary = 7 }.Node(1).Bytes().Ints(0, 3).Bytes("xyz"u8), Rows(1).Node(1).Bytes().Ints(0)));
        yield return Good("dictionary without an index type", () => Crafted.Stream(Schema([Encoded("x", 7, bits: 0)]), Words(7), Rows(1).Node(1).Bytes().Ints(1)));
        yield return Good("dictionary shared by two fields", () => Crafted.Stream(Schema([Encoded("x", 7), Encoded("y", 7, bits: 8)]), Words(7), Rows(1).Node(1).Bytes().Ints(1).Node(1).Bytes().Bytes(0)));
    }

    private static CraftedBatch Repeat(this CraftedBatch batch, int times, Action<CraftedBatch> add)
    {
        for (int i = 0; i < times; i++)
        {
            add(batch);
        }

        return batch;
    }

    private static byte[] Framed(Schema schema, byte[] message, byte[] body)
    {
        using var stream = new MemoryStream();
        Crafted.Write(stream, SchemaEncoder.Message(schema));
        Crafted.Write(stream, message);
        stream.Write(body);
        return stream.ToArray();
    }

    /// <summary>As before format 1.0: lengths alone, and one of zero at the end.</summary>
    private static byte[] Legacy(Schema schema, bool mark, CraftedBatch batch)
    {
        using var stream = new MemoryStream();
        Crafted.Write(stream, SchemaEncoder.Message(schema), mark: false);
        Crafted.Write(stream, batch.Message(), mark);
        stream.Write(batch.Body);
        stream.Write(new byte[4]);
        return stream.ToArray();
    }
}
