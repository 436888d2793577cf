using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Import;

/// <summary>Bodies whose values lead readers astray.</summary>
internal static partial class HostileFiles
{
    private static readonly Field s_item = new("item", Int32Type.Default, true);

    private static Hostile Body(string name, string says, IArrowType type, CraftedBatch batch) => new(name, () => Crafted.Stream(Of(type), batch), says);

    private static byte[] Views(params (int Length, int Buffer, int Offset)[] views) =>
    [
        .. views.SelectMany(view => (byte[])[.. BitConverter.GetBytes(view.Length), .. "abcd"u8, .. BitConverter.GetBytes(view.Buffer), .. BitConverter.GetBytes(view.Offset)]),
    ];

    private static IEnumerable<Hostile> Values()
    {
        yield return Body("text offsets fall", "decrease", StringType.Default, Rows(2).Node(2).Bytes().Ints(0, 4, 2).Bytes("abcd"u8));
        yield return Body("text offsets are negative", "run from -4", StringType.Default, Rows(1).Node(1).Bytes().Ints(-4, 4).Bytes("abcd"u8));
        yield return Body("text offsets are negative inside", "decrease", StringType.Default, Rows(3).Node(3).Bytes().Ints(0, int.MinValue, 2, 4).Bytes("abcd"u8));
        yield return Body("text offsets leave their data", "run from 0 to 5", StringType.Default, Rows(2).Node(2).Bytes().Ints(0, 4, 5).Bytes("abcd"u8));
        yield return Body("text offsets are one short", "offsets of 'x' have 8 bytes", StringType.Default, Rows(2).Node(2).Bytes().Ints(0, 4).Bytes("abcd"u8));
        yield return Body("text offsets are absent", "offsets of 'x' have 0 bytes", StringType.Default, Rows(2).Node(2).Bytes().Bytes().Bytes("abcd"u8));
        yield return Body("long text offsets beyond 2^31", "run from 0 to 4294967296", LargeStringType.Default, Rows(1).Node(1).Bytes().Longs(0, 1L << 32).Bytes("abcd"u8));
        yield return Body("long binary offsets fall", "decrease", LargeBinaryType.Default, Rows(3).Node(3).Bytes().Longs(0, long.MaxValue, long.MinValue, 4).Bytes("abcd"u8));
        yield return Body("text is not UTF-8", "not UTF-8", StringType.Default, Rows(1).Node(1).Bytes().Ints(0, 2).Bytes(0xc3, 0x28));
        yield return Body("text cut inside a character", "not UTF-8", StringType.Default, Rows(2).Node(2).Bytes().Ints(0, 1, 2).Bytes("ä"u8));
        yield return Body("list offsets leave their child", "run from 0 to 3", new ListType(s_item), Rows(1).Node(1).Bytes().Ints(0, 3).Node(2).Bytes().Ints(1, 2));
        yield return Body("long list offsets beyond 2^31", "run from 0 to 4294967298", new LargeListType(s_item), Rows(1).Node(1).Bytes().Longs(0, (1L << 32) + 2).Node(2).Bytes().Ints(1, 2));
        yield return Body("list view leaves its child", "list of 2 from 1 over 2", new ListViewType(s_item), Rows(1).Node(1).Bytes().Ints(1).Ints(2).Node(2).Bytes().Ints(1, 2));
        yield return Body("list view of negative size", "list of -1 from 1", new ListViewType(s_item), Rows(1).Node(1).Bytes().Ints(1).Ints(-1).Node(2).Bytes().Ints(1, 2));
        yield return Body("list view whose end overflows", "list of 9223372036854775807 from 2", new LargeListViewType(s_item),
            Rows(1).Node(1).Bytes().Longs(2).Longs(long.MaxValue).Node(2).Bytes().Ints(1, 2));
        yield return Body("fixed list with too few values", "child 0 of 'x' has 5 values, 6 are needed", new FixedSizeListType(s_item, 3), Rows(2).Node(2).Bytes().Node(5).Bytes().Ints(1, 2, 3, 4, 5));
        yield return Body("fixed list whose length overflows", "are needed", new FixedSizeListType(s_item, int.MaxValue), Rows(int.MaxValue).Node(int.MaxValue).Bytes().Node(2).Bytes().Ints(1, 2));
        yield return Body("struct with a short child", "child 0 of 'x' has 1 values, 2 are needed", new StructType([s_item]), Rows(2).Node(2).Bytes().Node(1).Bytes().Ints(1));

        var union = new[] { s_item, new Field("other", Int32Type.Default, true) };
        UnionType sparse = new(union, [3, 5], UnionMode.Sparse), dense = new(union, [3, 5], UnionMode.Dense);
        yield return Body("union type id that its type lacks", "type id 4", sparse, Rows(2).Node(2).Bytes(3, 4).Node(2).Bytes().Ints(1, 2).Node(2).Bytes().Ints(1, 2));
        yield return Body("union type id that is negative", "type id -1", sparse, Rows(2).Node(2).Bytes(3, 0xff).Node(2).Bytes().Ints(1, 2).Node(2).Bytes().Ints(1, 2));
        yield return Body("union with a short child", "child 1 of 'x' has 1 values", sparse, Rows(2).Node(2).Bytes(3, 5).Node(2).Bytes().Ints(1, 2).Node(1).Bytes().Ints(1));
        yield return Body("union without type ids", "type ids of 'x' have 0 bytes", sparse, Rows(2).Node(2).Bytes().Node(2).Bytes().Ints(1, 2).Node(2).Bytes().Ints(1, 2));
        yield return Body("union offset behind its child", "points to 1 of 1", dense, Rows(2).Node(2).Bytes(3, 5).Ints(0, 1).Node(2).Bytes().Ints(1, 2).Node(1).Bytes().Ints(1));
        yield return Body("union offset that is negative", "points to -1 of 2", dense, Rows(2).Node(2).Bytes(3, 5).Ints(-1, 0).Node(2).Bytes().Ints(1, 2).Node(1).Bytes().Ints(1));
        yield return Body("union offsets are short", "offsets of 'x' have 4 bytes", dense, Rows(2).Node(2).Bytes(3, 5).Ints(0).Node(2).Bytes().Ints(1, 2).Node(1).Bytes().Ints(1));

        var runs = new RunEndEncodedType(Int32Type.Default, Int32Type.Default);
        yield return Body("run ends fall", "run end 2", runs, Rows(4).Node(4).Node(3).Bytes().Ints(3, 2, 4).Node(3).Bytes().Ints(1, 2, 3));
        yield return Body("run ends repeat", "run end 2", runs, Rows(4).Node(4).Node(3).Bytes().Ints(2, 2, 4).Node(3).Bytes().Ints(1, 2, 3));
        yield return Body("run ends start at zero", "run end 0", runs, Rows(4).Node(4).Node(2).Bytes().Ints(0, 4).Node(2).Bytes().Ints(1, 2));
        yield return Body("run ends are negative", "run end -4", runs, Rows(4).Node(4).Node(2).Bytes().Ints(-4, 4).Node(2).Bytes().Ints(1, 2));
        yield return Body("run ends stop early", "end at 3, before its 4", runs, Rows(4).Node(4).Node(2).Bytes().Ints(2, 3).Node(2).Bytes().Ints(1, 2));
        yield return Body("no runs", "end at 0, before its 4", runs, Rows(4).Node(4).Node(0).Bytes().Bytes().Node(0).Bytes().Bytes());
        yield return Body("run ends are null", "null run ends", runs, Rows(4).Node(4).Node(2, 1).Bytes(1).Ints(2, 4).Node(2).Bytes().Ints(1, 2));
        yield return Body("fewer values than runs", "fewer values than runs", runs, Rows(4).Node(4).Node(2).Bytes().Ints(2, 4).Node(1).Bytes().Ints(1));

        byte[] text = Encoding.UTF8.GetBytes("abcd and what follows");
        yield return Body("view of negative length", "length -1", StringViewType.Default, Shown(Views((-1, 0, 0)), text));
        yield return Body("view into a buffer that is not there", "lies at 0 of buffer 1", StringViewType.Default, Shown(Views((13, 1, 0)), text));
        yield return Body("view into a negative buffer", "lies at 0 of buffer -1", StringViewType.Default, Shown(Views((13, -1, 0)), text));
        yield return Body("view that leaves its buffer", "lies at 10 of buffer 0", StringViewType.Default, Shown(Views((13, 0, 10)), text));
        yield return Body("view at a negative offset", "lies at -1 of buffer 0", BinaryViewType.Default, Shown(Views((13, 0, -1)), text));
        yield return Body("view whose end overflows", "lies at 2147483647 of buffer 0", BinaryViewType.Default, Shown(Views((int.MaxValue, 0, int.MaxValue)), text));
        yield return Body("view with another's prefix", "does not start with its prefix", StringViewType.Default, Shown(Views((13, 0, 1)), text));
        yield return Body("view of text that is not UTF-8", "not UTF-8", StringViewType.Default, Shown(Views((13, 0, 0)), [.. "abcd"u8, .. new byte[] { 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7 }]));
        yield return Body("views are short", "views of 'x' have 16 bytes", StringViewType.Default, new CraftedBatch { Rows = 2, Variadic = [1] }.Node(2).Bytes().Bytes(Views((3, 0, 0))).Bytes(text));
        yield return Body("no count of view buffers", "do not say how many", StringViewType.Default, Rows(1).Node(1).Bytes().Bytes(Views((3, 0, 0))).Bytes(text));
        yield return Body("negative count of view buffers", "do not say how many", StringViewType.Default, new CraftedBatch { Rows = 1, Variadic = [-1] }.Node(1).Bytes().Bytes(Views((3, 0, 0))));
        yield return Body("huge count of view buffers", "do not say how many", StringViewType.Default, new CraftedBatch { Rows = 1, Variadic = [long.MaxValue] }.Node(1).Bytes().Bytes(Views((3, 0, 0))));
        yield return Body("more view buffers than there are", "are missing", StringViewType.Default, new CraftedBatch { Rows = 1, Variadic = [2] }.Node(1).Bytes().Bytes(Views((3, 0, 0))).Bytes(text));

        // A hundred thousand views of one long text, the last byte of which is no character.
        yield return new("shared text that is not UTF-8", () => Crafted.Stream(Of(StringViewType.Default), new CraftedBatch { Rows = 100_000, Variadic = [1] }.Node(100_000)
            .Bytes().Bytes(Views([.. Enumerable.Repeat((1 << 20, 0, 0), 100_000)])).Bytes([.. "abcd"u8, .. Enumerable.Repeat((byte)'x', (1 << 20) - 5), 0xff])), "not UTF-8");

        var entries = new StructType([new Field("key", Int32Type.Default, false), new Field("value", Int32Type.Default, true)]);
        var map = new MapType(new Field("entries", entries, false), false);
        yield return Body("map with a null key", "null entries or keys", map, Rows(1).Node(1).Bytes().Ints(0, 2).Node(2).Bytes().Node(2, 1).Bytes(1).Ints(1, 2).Node(2).Bytes().Ints(1, 2));
        yield return Body("map with a null entry", "null entries or keys", map, Rows(1).Node(1).Bytes().Ints(0, 2).Node(2, 1).Bytes(1).Node(2).Bytes().Ints(1, 2).Node(2).Bytes().Ints(1, 2));
    }

    private static CraftedBatch Shown(byte[] views, byte[] text) => new CraftedBatch { Rows = 1, Variadic = [1] }.Node(1).Bytes().Bytes(views).Bytes(text);
}
