using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects.Validation;

/// <summary>What is found by reading a buffer once is what reading each view would find.</summary>
public sealed class SharedTextTests
{
    private const int Views = 4000, Bytes = 600;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(40)]
    public void Parts_of_a_buffer_are_text_or_not_as_each_by_itself_is(int damages)
    {
        string[] words = ["a", "ä", "€", "😀", "plain words ", "\u0800", "\uffff", "\U0010ffff"];
        int valid = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var text = new StringBuilder();
            while (text.Length < 2 * Bytes)
            {
                text.Append(words[random.Next(words.Length)]);
            }

            byte[] bytes = Encoding.UTF8.GetBytes(text.ToString())[..(2 * Bytes)];
            for (int i = 0; i < damages; i++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            byte[] views = new byte[16 * Views];
            for (int i = 0; i < Views; i++)
            {
                MemoryMarshal.Write(views.AsSpan(16 * i), random.Next(Bytes / 2, Bytes));
                MemoryMarshal.Write(views.AsSpan(16 * i + 12), random.Next(Bytes));
            }

            var data = new ArrayData(StringViewType.Default, Views, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(views), new ArrowBuffer(bytes)]);
            var shared = SharedText.Of(data);
            Assert.NotNull(shared);
            for (int i = 0; i < Views; i++)
            {
                var view = views.AsSpan(16 * i, 16);
                int length = MemoryMarshal.Read<int>(view), start = MemoryMarshal.Read<int>(view[12..]);
                bool expected = Utf8.IsValid(bytes.AsSpan(start, length));
                Assert.True(expected == shared.IsValid(view, length), $"seed {seed}, {length} bytes from {start}");
                valid += expected ? 1 : 0;
            }
        }

        Assert.InRange(valid, damages == 40 ? 0 : 100, 20 * Views - 100);
    }

    [Fact]
    public void Views_that_share_little_are_read_one_by_one()
    {
        byte[] views = new byte[16];
        MemoryMarshal.Write(views, 13);
        Assert.Null(SharedText.Of(new ArrayData(StringViewType.Default, 1, 0, 0, [ArrowBuffer.Empty, new ArrowBuffer(views), new ArrowBuffer(new byte[13])])));
    }
}
