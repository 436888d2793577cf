using System.Buffers.Binary;
using Gristmill.Objects.Ipc;

namespace Gristmill.Objects.Fuzzing;

/// <summary>Where the parts of an IPC stream or file lie, as far as they can be told: what is damaged has fewer.</summary>
internal sealed class Anatomy
{
    /// <summary>Whole messages of a stream, or of a file between its magic and its footer.</summary>
    public List<(int Start, int Metadata, int MetadataLength, int Body, int BodyLength)> Messages { get; } = [];

    /// <summary>Stretches of metadata that describe the schema.</summary>
    public List<(int Start, int Length)> Schemas { get; } = [];

    /// <summary>Numbers of the metadata that a reader goes by, and their width.</summary>
    public List<(int At, int Width)> Numbers { get; } = [];

    /// <summary>Pairs of numbers that can change places: nodes, and buffers.</summary>
    public List<(int At, bool IsBuffer)> Pairs { get; } = [];

    /// <summary>Buffers of bodies.</summary>
    public List<(int At, int Length)> Buffers { get; } = [];

    public static Anatomy Of(byte[] bytes)
    {
        var anatomy = new Anatomy();
        bool file = bytes.Length > 26 && bytes.AsSpan(0, 6).SequenceEqual(IpcFile.Magic[..6]);
        int end = bytes.Length;
        if (file && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(bytes.Length - 10)) is var footer && footer > 0 && footer < bytes.Length - 18)
        {
            end = bytes.Length - 10 - footer;
            anatomy.Schemas.Add((end, footer));
            anatomy.Numbers.Add((bytes.Length - 10, 4));
            Try(() => anatomy.Footer(bytes, end, footer));
        }

        for (int at = file ? 8 : 0; end - at >= 8;)
        {
            int start = at, length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
            at += 4;
            if (length == -1)
            {
                length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at));
                at += 4;
            }

            if (length <= 0 || length > end - at)
            {
                break;
            }

            anatomy.Numbers.Add((at - 4, 4));
            int metadata = at, body = 0;
            Try(() => body = anatomy.Message(bytes, metadata, length, end));
            anatomy.Messages.Add((start, metadata, length, metadata + length, body));
            at = metadata + length + body;
        }

        return anatomy;
    }

    private static void Try(Action act)
    {
        try
        {
            act();
        }
        catch (GristmillException)
        {
            // What was found until here is what there is.
        }
    }

    private void Footer(byte[] bytes, int start, int length)
    {
        var view = new FlatView(bytes.AsSpan(start, length));
        foreach (int list in new[] { 2, 3 })
        {
            var (at, count) = view.Vector(view.Root(), list, 24, "blocks");
            for (int i = 0; i < count; i++)
            {
                Numbers.AddRange([(start + at + 24 * i, 8), (start + at + 24 * i + 8, 4), (start + at + 24 * i + 16, 8)]);
            }
        }
    }

    private int Message(byte[] bytes, int metadata, int length, int end)
    {
        var view = new FlatView(bytes.AsSpan(metadata, length));
        int root = view.Root(), kind = view.U8(root, 1, 0);
        Scalar(view, root, 0, 2, metadata);
        Scalar(view, root, 1, 1, metadata);
        Scalar(view, root, 3, 8, metadata);
        long bodyLength = view.I64(root, 3, 0);
        int body = bodyLength is > 0 && bodyLength <= end - metadata - length ? (int)bodyLength : 0;
        int batch = view.Table(root, 2, "header");
        if (kind == 1)
        {
            Schemas.Add((metadata, length));
            return body;
        }

        if (kind == 2)
        {
            Scalar(view, batch, 0, 8, metadata);
            Scalar(view, batch, 2, 1, metadata);
            batch = view.Table(batch, 1, "batch");
        }

        Scalar(view, batch, 0, 8, metadata);
        for (int list = 1; list <= 2; list++)
        {
            var (at, count) = view.Vector(batch, list, 16, "pairs");
            for (int i = 0; i < count; i++)
            {
                int pair = at + 16 * i;
                Numbers.AddRange([(metadata + pair, 8), (metadata + pair + 8, 8)]);
                Pairs.Add((metadata + pair, list == 2));
                long from = view.I64(pair), size = view.I64(pair + 8);
                if (list == 2 && from >= 0 && size > 0 && from + size <= body)
                {
                    Buffers.Add((metadata + length + (int)from, (int)size));
                }
            }
        }

        var (variadic, variadicCount) = view.Vector(batch, 4, 8, "variadic");
        for (int i = 0; i < variadicCount; i++)
        {
            Numbers.Add((metadata + variadic + 8 * i, 8));
        }

        return body;
    }

    private void Scalar(FlatView view, int table, int index, int width, int metadata)
    {
        if (view.Field(table, index) is var at && at > 0)
        {
            Numbers.Add((metadata + at, width));
        }
    }
}
