using System.Buffers.Binary;

namespace Gristmill.Objects.Fuzzing;

/// <summary>Damages IPC streams and files where it matters: the numbers of their metadata, the values that readers follow, whole messages.</summary>
internal static class Mutator
{
    /// <summary>A mutant of a file of the corpus: the same one for the same seed.</summary>
    public static byte[] Mutant(IReadOnlyList<byte[]> corpus, int seed)
    {
        var random = new Random(seed);
        byte[] bytes = [.. corpus[random.Next(corpus.Count)]];
        for (int i = random.Next(6) switch { 0 or 1 or 2 => 1, 3 or 4 => 2, _ => random.Next(3, 8) }; i > 0 && bytes.Length > 16; i--)
        {
            bytes = Mutate(bytes, corpus, random);
        }

        return bytes;
    }

    private static byte[] Mutate(byte[] bytes, IReadOnlyList<byte[]> corpus, Random random)
    {
        var anatomy = Anatomy.Of(bytes);
        switch (random.Next(16))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1: // bits, anywhere
                for (int i = random.Next(1, 9); i > 0; i--)
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }

                return bytes;
            case 2: // a number, anywhere
                Set(bytes, random.Next(bytes.Length / 4) * 4, 4, random);
                return bytes;
            case 3: // a stretch from elsewhere
                int length = random.Next(1, Math.Min(64, bytes.Length)), from = random.Next(bytes.Length - length);
                bytes.AsSpan(from, length).CopyTo(bytes.AsSpan(random.Next(bytes.Length - length)));
                return bytes;
            case 4 or 5 or 6 when anatomy.Numbers.Count > 0:
                var (at, width) = anatomy.Numbers[random.Next(anatomy.Numbers.Count)];
                Set(bytes, at, width, random);
                return bytes;
            case 7 when anatomy.Pairs.Count > 1: // buffers or nodes change places
                Swap(bytes, anatomy.Pairs[random.Next(anatomy.Pairs.Count)].At, anatomy.Pairs[random.Next(anatomy.Pairs.Count)].At);
                return bytes;
            case 8 when anatomy.Schemas.Count > 0: // types, units, widths, names
                var schema = anatomy.Schemas[random.Next(anatomy.Schemas.Count)];
                bytes[schema.Start + random.Next(schema.Length)] = (byte)random.Next(random.Next(3) == 0 ? 256 : 30);
                return bytes;
            case 9 or 10 when anatomy.Messages.Count > 1:
                return Messages(bytes, anatomy, corpus, random);
            case >= 11 when anatomy.Buffers.Count > 0:
                var buffer = anatomy.Buffers[random.Next(anatomy.Buffers.Count)];
                int unit = 1 << random.Next(4);
                if (buffer.Length >= unit)
                {
                    Set(bytes, buffer.At + random.Next(buffer.Length / unit) * unit, unit, random);
                }

                return bytes;
            default:
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
        }
    }

    /// <summary>Repeats, leaves out or moves a message, or brings one of another file.</summary>
    private static byte[] Messages(byte[] bytes, Anatomy anatomy, IReadOnlyList<byte[]> corpus, Random random)
    {
        var parts = anatomy.Messages.Select(message => bytes[message.Start..(message.Body + message.BodyLength)]).ToList();
        int start = anatomy.Messages[0].Start, end = anatomy.Messages[^1].Body + anatomy.Messages[^1].BodyLength;
        int one = random.Next(parts.Count), other = random.Next(parts.Count);
        switch (random.Next(4))
        {
            case 0:
                parts.Insert(other, parts[one]);
                break;
            case 1:
                parts.RemoveAt(one);
                break;
            case 2:
                (parts[one], parts[other]) = (parts[other], parts[one]);
                break;
            default:
                byte[] donor = corpus[random.Next(corpus.Count)];
                var messages = Anatomy.Of(donor).Messages;
                if (messages.Count > 0)
                {
                    var message = messages[random.Next(messages.Count)];
                    parts.Insert(other, donor[message.Start..(message.Body + message.BodyLength)]);
                }

                break;
        }

        return [.. bytes.AsSpan(0, start), .. parts.SelectMany(part => part), .. bytes.AsSpan(end)];
    }

    private static void Swap(byte[] bytes, int one, int other)
    {
        Span<byte> kept = stackalloc byte[16];
        bytes.AsSpan(one, 16).CopyTo(kept);
        bytes.AsSpan(other, 16).CopyTo(bytes.AsSpan(one));
        kept.CopyTo(bytes.AsSpan(other));
    }

    private static void Set(byte[] bytes, int at, int width, Random random)
    {
        if (at < 0 || at > bytes.Length - width)
        {
            return;
        }

        var place = bytes.AsSpan(at, width);
        long value = width switch
        {
            1 => (sbyte)place[0],
            2 => BinaryPrimitives.ReadInt16LittleEndian(place),
            4 => BinaryPrimitives.ReadInt32LittleEndian(place),
            _ => BinaryPrimitives.ReadInt64LittleEndian(place),
        };
        long[] values =
        [
            -1, 0, 1, 2, value + 1, value - 1, value + 8, value - 8, value * 2, -value, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 31, long.MaxValue, long.MinValue,
            long.MaxValue - 7, bytes.Length, 1 << random.Next(31), random.Next(), random.Next(256), random.NextInt64(),
        ];
        value = values[random.Next(values.Length)];
        for (int i = 0; i < width; i++)
        {
            place[i] = (byte)(value >> (8 * i));
        }
    }
}
