using System.Text;
using CsCheck;

namespace Gristmill.Engines.Features;

public sealed class Utf8TableTests
{
    [Fact]
    public void Ids_are_those_of_a_dictionary()
    {
        Gen.String[Gen.Char['a', 'c'], 0, 6].Array[0, 300].Sample(words =>
        {
            var table = new Utf8Table();
            var expected = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var word in words)
            {
                expected.TryAdd(word, expected.Count);
                Assert.Equal(expected[word], table.GetOrAdd(Encoding.UTF8.GetBytes(word)));
            }

            Assert.Equal(expected.Count, table.Count);
            Assert.All(expected, e => Assert.Equal(e.Value, table.Find(Encoding.UTF8.GetBytes(e.Key))));
            Assert.All(expected, e => Assert.Equal(e.Key, Encoding.UTF8.GetString(table[e.Value])));
            Assert.Equal(-1, table.Find("d"u8));
        }, iter: 100);
    }
}
