using System.Runtime.InteropServices;

namespace Gristmill.Engines.Torch.Interop;

public sealed unsafe class ElfConstantLibraryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(42)]
    public void The_loader_takes_the_library_and_its_function_returns_the_constant(int value)
    {
        using var temp = new TempStore();
        var path = temp.File("libanswer.so");
        File.WriteAllBytes(path, ElfConstantLibrary.Write($"libanswer{value}.so", "the_answer", value));

        var library = NativeLibrary.Load(path);
        var function = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "the_answer");

        Assert.Equal(value, function());
        Assert.False(NativeLibrary.TryGetExport(library, "no_such_function", out _));
        NativeLibrary.Free(library);
    }

    [Fact]
    public void A_name_longer_than_a_page_is_refused() =>
        Assert.Throws<ArgumentException>(() => ElfConstantLibrary.Write("lib.so", new string('x', 5000), 1));
}
