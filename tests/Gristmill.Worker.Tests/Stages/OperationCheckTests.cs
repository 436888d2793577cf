namespace Gristmill.Worker.Tests;

public sealed class OperationCheckTests
{
    private readonly OperationCheck _check = new(new EngineCatalog());

    [Theory]
    [InlineData(StageOperations.NoOp, """{"anything":[1]}""")]
    [InlineData(StageOperations.SqlQuery, """{"query":"select 1","values":{"x":1}}""")]
    [InlineData(StageOperations.SqlQuery, """{"query":{"$param":"q"},"values":{"$value":{"stage":"s","output":"o"}}}""")]
    [InlineData(StageOperations.TrainLightGbm, """{"label":"y","leaves":{"$item":"tries"}}""")]
    [InlineData(StageOperations.Best, """{"metric":"auc"}""")]
    [InlineData(StageOperations.Code, """{"type":"T","method":"M","arguments":{"a":{"deep":[1]},"s":{"$secret":"key"}}}""")]
    [InlineData(StageOperations.OneOf, "{}")]
    public void What_fits_has_no_problem(string operation, string options) => Assert.Null(Problem(operation, options));

    [Theory]
    [InlineData("magic.wand", "{}", "there is no operation 'magic.wand'", "engines are")]
    [InlineData("sql.quarry", "{}", "there is no operation 'sql.quarry'", "sql.query")]
    [InlineData("control.register-all", "{}", "there is no operation 'control.register-all'", "control.register,")]
    [InlineData(StageOperations.SqlQuery, """{"qery":"select 1"}""", "'$.qery' is unknown", "Did you mean 'query'?")]
    [InlineData(StageOperations.SqlQuery, """{"query":"select 1","QUERY":"select 2"}""", "'$.QUERY' is given twice", "")]
    [InlineData(StageOperations.SqlQuery, "{}", "'$.query' is missing", "")]
    [InlineData(StageOperations.SqlQuery, """{"query":5}""", "'$.query' is 5, not a text", "")]
    [InlineData(StageOperations.TrainLightGbm, """{"label":"y","leaves":"many"}""", "'$.leaves' is \"many\", not a whole number", "")]
    [InlineData(StageOperations.TrainLightGbm, """{"label":"y","leaves":1.5}""", "'$.leaves' is 1.5, not a whole number", "")]
    [InlineData(StageOperations.TrainTorchMlp, """{"label":"y","hidden":3}""", "'$.hidden' is 3, not a list", "")]
    [InlineData(StageOperations.TrainTorchMlp, """{"label":"y","hidden":[3,"x"]}""", "'$.hidden[1]' is \"x\", not a whole number", "")]
    [InlineData(StageOperations.Predict, """{"keep":{"a":1}}""", "'$.keep' is {\"a\":1}, not a list", "")]
    [InlineData(StageOperations.ImportFile, "{}", "'$.path' is missing", "")]
    public void What_does_not_fit_is_said_with_its_place(string operation, string options, string says, string hint)
    {
        var problem = Problem(operation, options);
        Assert.NotNull(problem);
        Assert.Contains(says, problem, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(hint, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("Gristmill.", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_operation_that_has_a_name_is_known()
    {
        var names = typeof(StageOperations).GetFields().Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!).ToList();
        Assert.Contains(StageOperations.ImportOnnx, names);
        Assert.All(names, name => Assert.DoesNotContain("no operation", Problem(name, "{}") ?? "", StringComparison.Ordinal));
    }

    private string? Problem(string operation, string options) => _check.Problem(new StageSpec { Name = "s", Operation = operation, Options = options });
}
