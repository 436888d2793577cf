using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Gristmill.Worker;

/// <summary>Reads the frames of one attempt, in order, into batches for the store. A worker runs users' code, so nothing in a frame is believed.</summary>
internal sealed class TrackDecoder(StageRequest request)
{
    private readonly List<string> _names = [];

    /// <exception cref="InvalidDataException">The frame is not of this protocol, or holds what the rules forbid.</exception>
    public TrackBatch Read(ReadOnlySpan<byte> frame)
    {
        var points = new Dictionary<int, List<MetricPoint>>();
        var parameters = new List<KeyValuePair<string, string>>();
        var tags = new List<KeyValuePair<string, string>>();
        var artifacts = new List<TrackedArtifact>();
        while (!frame.IsEmpty)
        {
            var kind = (TrackEntry)frame[0];
            frame = frame[1..];
            switch (kind)
            {
                case TrackEntry.Name:
                    if (Int32(ref frame) != _names.Count || _names.Count == TrackRules.MaxMetrics)
                    {
                        throw Malformed("a metric's number");
                    }

                    _names.Add(Name(ref frame));
                    break;
                case TrackEntry.Point:
                    var metric = Int32(ref frame);
                    if ((uint)metric >= (uint)_names.Count)
                    {
                        throw Malformed("a metric's number");
                    }

                    ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(points, metric, out _);
                    (list ??= []).Add(new MetricPoint(Int64(ref frame), Int64(ref frame), BitConverter.Int64BitsToDouble(Int64(ref frame))));
                    break;
                case TrackEntry.Param:
                    parameters.Add(new(Name(ref frame), Value(ref frame)));
                    break;
                case TrackEntry.Tag:
                    tags.Add(new(Name(ref frame), Value(ref frame)));
                    break;
                case TrackEntry.Artifact:
                    artifacts.Add(new TrackedArtifact(Name(ref frame), Digest(ref frame), Int64(ref frame), Int64(ref frame)));
                    break;
                default:
                    throw Malformed($"entry {(byte)kind}");
            }
        }

        return new TrackBatch
        {
            RunId = request.RunId,
            Stage = request.Stage,
            Attempt = request.Attempt,
            Metrics = [.. points.Select(pair => new MetricBlock(_names[pair.Key], pair.Value.ToArray()))],
            Parameters = parameters,
            Tags = tags,
            Artifacts = artifacts,
        };
    }

    private static int Int32(ref ReadOnlySpan<byte> frame)
    {
        var value = frame.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(frame) : throw Malformed("an end");
        frame = frame[4..];
        return value;
    }

    private static long Int64(ref ReadOnlySpan<byte> frame)
    {
        var value = frame.Length >= 8 ? BinaryPrimitives.ReadInt64LittleEndian(frame) : throw Malformed("an end");
        frame = frame[8..];
        return value;
    }

    private static string Name(ref ReadOnlySpan<byte> frame) => Text(ref frame) is var name && TrackRules.IsName(name) ? name : throw Malformed("a name");

    private static string Value(ref ReadOnlySpan<byte> frame) => Text(ref frame) is var value && value.Length <= TrackRules.MaxValue ? value : throw Malformed("a value");

    private static string Digest(ref ReadOnlySpan<byte> frame) =>
        Text(ref frame) is { Length: 64 } digest && digest.All(char.IsAsciiHexDigitLower) ? digest : throw Malformed("a digest");

    private static string Text(ref ReadOnlySpan<byte> frame)
    {
        var length = frame.Length >= 2 ? BinaryPrimitives.ReadUInt16LittleEndian(frame) : throw Malformed("an end");
        var text = frame.Length - 2 >= length ? Encoding.UTF8.GetString(frame.Slice(2, length)) : throw Malformed("an end");
        frame = frame[(2 + length)..];
        return text;
    }

    private static InvalidDataException Malformed(string what) => new($"A track frame with {what} that is not of this protocol.");
}
