using CsCheck;

namespace Gristmill.Engines.Features;

public sealed class PairTableTests
{
    [Fact]
    public void Ids_are_those_of_a_dictionary()
    {
        Gen.Select(Gen.Int[0, 40], Gen.Int[0, 40]).Array[0, 500].Sample(pairs =>
        {
            var table = new PairTable();
            var expected = new Dictionary<(int, int), int>();
            foreach (var (key, code) in pairs)
            {
                if (key != 0 && code != 0)
                {
                    expected.TryAdd((key, code), expected.Count + 1);
                }

                Assert.Equal(expected.GetValueOrDefault((key, code)), table.GetOrAdd(key, code));
            }

            Assert.Equal(expected.OrderBy(e => e.Value).Select(e => e.Key), table.ToArray());
            Assert.Equal(0, table.Find(41, 1));
            Assert.All(expected, e => Assert.Equal(e.Value, table.Find(e.Key.Item1, e.Key.Item2)));
        }, iter: 100);
    }
}
