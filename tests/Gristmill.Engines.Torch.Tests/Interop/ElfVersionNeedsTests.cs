namespace Gristmill.Engines.Torch.Interop;

public sealed class ElfVersionNeedsTests
{
    private static byte[] Bridge() => File.ReadAllBytes(TorchFiles.Find("libLibTorchSharp.so")!);

    [Fact]
    public void Only_the_version_that_no_relocation_uses_is_weakened()
    {
        var image = Bridge();
        var before = (byte[])image.Clone();

        var weakened = ElfVersionNeeds.WeakenUnused(image, "libstdc++.so.6");

        Assert.Equal(["GLIBCXX_3.4.32"], weakened);
        Assert.Equal(1, image.Zip(before).Count(p => p.First != p.Second));
    }

    [Fact]
    public void A_second_time_changes_nothing()
    {
        var image = Bridge();
        ElfVersionNeeds.WeakenUnused(image, "libstdc++.so.6");
        var once = (byte[])image.Clone();
        ElfVersionNeeds.WeakenUnused(image, "libstdc++.so.6");
        Assert.Equal(once, image);
    }

    [Fact]
    public void What_is_no_library_is_refused()
    {
        Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.WeakenUnused(new byte[10], "libstdc++.so.6"));
        Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.WeakenUnused("#!/bin/sh, and then some text that is long enough to hold a header"u8.ToArray(), "libstdc++.so.6"));
        Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.WeakenUnused(Bridge().AsSpan(0, 4096), "libstdc++.so.6"));
    }
}
