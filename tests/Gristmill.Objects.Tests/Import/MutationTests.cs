namespace Gristmill.Objects.Import;

/// <summary>Damaged segments give a typed error or other values, never a crash. What comes from outside is fuzzed by itself.</summary>
public sealed class MutationTests
{
    private const int Seed = 20010403;

    [Fact]
    public void Segments_with_damaged_metadata_are_refused_or_read()
    {
        using var test = new TestStore();
        var original = ObjectStoreTests.Write(test.Store, 50, 3);
        byte[] bytes = File.ReadAllBytes(Path.Combine(test.Directory, original.Id + ".arrow"));
        for (int round = 0; round < 600; round++)
        {
            var random = new Random(Seed + round);
            byte[] mutated = Mutate(bytes, random, start: bytes.Length - 900);
            string id = Guid.NewGuid().ToString("n");
            string path = Path.Combine(test.Directory, id + ".arrow");
            File.WriteAllBytes(path, mutated);
            try
            {
                using var lease = test.Store.Get(id);
                _ = lease.Batches.Sum(batch => batch.Length);
            }
            catch (GristmillException e) when (e.Code == ErrorCodes.Corrupt)
            {
                // Refused with a reason.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed + round}: {e}");
            }

            File.Delete(path);
        }
    }

    private static byte[] Mutate(byte[] original, Random random, int start)
    {
        byte[] bytes = (byte[])original.Clone();
        switch (random.Next(8))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1: // an offset, length or count
                int at = random.Next(start / 4, bytes.Length / 4) * 4;
                int[] values = [-1, 0, 1, int.MaxValue, int.MinValue, 0x10000, random.Next()];
                BitConverter.TryWriteBytes(bytes.AsSpan(at), values[random.Next(values.Length)]);
                return bytes;
            case 2: // a stretch from elsewhere
                int length = random.Next(1, 64), from = random.Next(bytes.Length - length), to = random.Next(start, bytes.Length - length);
                original.AsSpan(from, length).CopyTo(bytes.AsSpan(to));
                return bytes;
            default:
                for (int i = random.Next(1, 9); i > 0; i--)
                {
                    bytes[random.Next(start, bytes.Length)] ^= (byte)(1 << random.Next(8));
                }

                return bytes;
        }
    }
}
