using Gristmill.Objects.Platform;
using Gristmill.Objects.Platform.Portable;

namespace Gristmill.Objects;

/// <summary>The implementation for other systems, as far as it can be tried on this one.</summary>
public sealed class PortablePlatformTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "gristmill-portable-" + Guid.NewGuid().ToString("n"));
    private readonly PortablePlatform _platform = new();
    private readonly StoreBudget _budget;

    public PortablePlatformTests()
    {
        _platform.CreatePrivateDirectory(_directory);
        _budget = new StoreBudget(new ObjectStoreOptions { Directory = _directory, CapacityBytes = 4 << 20 });
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public unsafe void A_growing_segment_is_published_whole()
    {
        string building = Path.Combine(_directory, "x.building"), final = Path.Combine(_directory, "x.arrow");
        using var segment = _platform.Create(new SegmentName("x", building, final), 1000, 1000, _budget);
        long position = 0;
        var places = new List<long>();
        for (int i = 0; i < 40; i++)
        {
            position = segment.Place(position, 40_000);
            new Span<byte>(segment.At(position), 40_000).Fill((byte)i);
            Assert.Equal(position, segment.Locate(segment.At(position), 40_000));
            Assert.True(segment.RunFrom(position) >= 40_000);
            places.Add(position);
            position += 40_000;
        }

        Assert.False(_platform.RemoveUnlessHeld(building));
        Assert.Equal("x", segment.Publish(position));
        Assert.False(File.Exists(building));
        using var file = _platform.Open(final)!;
        file.Prefault();
        Assert.Equal(position, file.Length);
        for (int i = 0; i < places.Count; i++)
        {
            var span = new ReadOnlySpan<byte>(file.Pointer + places[i], 40_000);
            Assert.True(file.Owns(span));
            Assert.Equal(-1, span.IndexOfAnyExcept((byte)i));
        }

        Assert.Null(_platform.Open(building));
        Assert.True(_platform.IsHeld(final));
        Assert.False(_platform.RemoveUnlessHeld(final));
        file.Dispose();
        Assert.False(_platform.IsHeld(final));
        Assert.Equal(position, _platform.Examine(final)!.Value.Bytes);
        Assert.True(_platform.RemoveUnlessHeld(final));
        Assert.Null(_platform.Examine(final));
    }

    [Fact]
    public void Unpublished_segments_go_and_abandoned_ones_are_removed()
    {
        string path = Path.Combine(_directory, "y.building");
        _platform.Create(Named(path), 1000, 1000, _budget).Dispose();
        Assert.False(File.Exists(path));
        File.WriteAllText(path, "left");
        Assert.True(_platform.RemoveUnlessHeld(path));
        Assert.False(File.Exists(path));
        Assert.Equal(ErrorCodes.StoreFull, Assert.Throws<GristmillException>(() => _platform.Create(Named(path), 5 << 20, 5 << 20, _budget)).Code);
        Assert.False(File.Exists(path));
    }

    private static SegmentName Named(string path) => new("y", path, Path.ChangeExtension(path, ".arrow"));
}
