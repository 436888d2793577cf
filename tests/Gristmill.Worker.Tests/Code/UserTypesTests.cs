using Gristmill.Worker.TestCode;

namespace Gristmill.Worker.Tests;

public sealed class UserTypesTests : IDisposable
{
    private readonly Mill _mill = new();

    public void Dispose() => _mill.Dispose();

    [Fact]
    public void A_type_is_found_in_its_package_or_in_the_running_program()
    {
        var types = new UserTypes(_mill.Content);
        var name = typeof(TestStages.Scores).AssemblyQualifiedName!;
        Assert.Same(typeof(TestStages.Scores), types.Find(name, null));
        var packaged = types.Find(name, _mill.Code)!;
        Assert.NotSame(typeof(TestStages.Scores), packaged);
        Assert.Same(packaged, types.Find(name, _mill.Code));
        Assert.Null(types.Find(name.Replace("Scores", "Missing", StringComparison.Ordinal), _mill.Code));
        // Generic arguments come from wherever they are.
        Assert.Equal(typeof(List<int>), types.Find(typeof(List<int>).AssemblyQualifiedName!, _mill.Code));
    }

    [Fact]
    public void A_package_that_lacks_the_assembly_is_an_error()
    {
        var error = Assert.Throws<GristmillException>(() => new UserTypes(_mill.Content).Find("Some.Type, Some.Where", _mill.Code));
        Assert.Equal(ErrorCodes.CodeLoad, error.Code);
        Assert.Contains("Some.Where", error.Message, StringComparison.Ordinal);
    }
}
