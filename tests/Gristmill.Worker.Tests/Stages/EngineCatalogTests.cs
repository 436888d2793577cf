using Gristmill.Engines;

namespace Gristmill.Worker.Tests;

public sealed class EngineCatalogTests
{
    [Fact]
    public void Nothing_is_loaded_before_it_is_needed()
    {
        var catalog = new EngineCatalog();
        Assert.Empty(catalog.Loaded);
        Assert.Equal([StageOperations.Code], catalog.Find(StageOperations.Code).Operations.Keys);
        Assert.Equal(["code"], catalog.Loaded);
    }

    [Theory]
    [InlineData(StageOperations.SqlRead)]
    [InlineData(StageOperations.SqlQuery)]
    [InlineData(StageOperations.SqlSplit)]
    [InlineData(StageOperations.SqlJoin)]
    [InlineData(StageOperations.SqlPointInTimeJoin)]
    [InlineData(StageOperations.SqlShuffle)]
    [InlineData(StageOperations.SqlSample)]
    [InlineData(StageOperations.ArrowRead)]
    [InlineData(StageOperations.Fit)]
    [InlineData(StageOperations.Apply)]
    [InlineData(StageOperations.Evaluate)]
    [InlineData(StageOperations.Predict)]
    [InlineData(StageOperations.Best)]
    [InlineData(StageOperations.TrainLightGbm)]
    [InlineData(StageOperations.TrainFastTree)]
    [InlineData(StageOperations.TrainLinear)]
    [InlineData(StageOperations.TrainTorchMlp)]
    [InlineData(StageOperations.Code)]
    public void Every_built_in_operation_has_its_engine(string operation) =>
        Assert.Contains(operation, new EngineCatalog().Find(operation).Operations);

    [Theory]
    [InlineData("")]
    [InlineData("nodot")]
    [InlineData(".x")]
    [InlineData("magic.wand")]
    [InlineData("code.other")]
    public void An_unknown_operation_is_named(string operation)
    {
        var error = Assert.Throws<GristmillException>(() => new EngineCatalog().Find(operation));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
        Assert.Contains($"'{operation}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_models_engine_is_made_with_its_first_model()
    {
        var made = 0;
        var catalog = new EngineCatalog(
            new Dictionary<string, Func<IStageEngine>>(),
            new Dictionary<string, Func<IModelEngine>> { ["toy"] = () => { made++; throw new NotSupportedException(); } });
        Assert.Equal(["toy"], catalog.Models.Select(m => m.Name));
        Assert.Equal(0, made);
        Assert.Throws<NotSupportedException>(() => catalog.Models[0].Load("", null!, 1));
        Assert.Equal(1, made);
    }
}
