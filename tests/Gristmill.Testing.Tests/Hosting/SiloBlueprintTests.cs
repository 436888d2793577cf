using System.Reflection;
using System.Reflection.Emit;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization.TypeSystem;

namespace Gristmill.Testing;

public sealed class SiloBlueprintTests
{
    [Fact]
    public async Task Clusters_share_what_is_known_of_types_and_nothing_else()
    {
        await using var first = await TestCluster.StartAsync();
        await using var second = await TestCluster.StartAsync();

        Assert.Same(first.Services.GetRequiredService<TypeConverter>(), second.Services.GetRequiredService<TypeConverter>());
        Assert.NotSame(first.Grains, second.Grains);
        Assert.NotSame(first.Services.GetRequiredService<TimeProvider>(), second.Services.GetRequiredService<TimeProvider>());
        Assert.NotEqual(first.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress, second.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress);
    }

    [Fact]
    public void An_assembly_of_grains_that_is_loaded_later_is_found()
    {
        var before = SiloBlueprint.Get();
        var late = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("LateGrains"), AssemblyBuilderAccess.Run);
        late.SetCustomAttribute(new CustomAttributeBuilder(typeof(ApplicationPartAttribute).GetConstructor([typeof(string)])!, ["Orleans.Core"]));

        Assert.NotSame(before, SiloBlueprint.Get());
    }
}
