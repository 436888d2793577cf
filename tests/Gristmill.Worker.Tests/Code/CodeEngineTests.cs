using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Gristmill.Worker.TestCode;

namespace Gristmill.Worker.Tests;

public sealed class CodeEngineTests : IDisposable
{
    private readonly Mill _mill = new();
    private readonly StageHost _host;

    public CodeEngineTests() => _host = new StageHost(_mill.Objects, _mill.Content, new EngineCatalog(), new StageHostOptions());

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _mill.Dispose();

    [Fact]
    public async Task Arguments_of_every_plain_type_are_bound_by_name()
    {
        var error = await Fails(_mill.Call("Describe", new
        {
            text = "hi",
            big = long.MaxValue,
            ratio = 0.5,
            flag = true,
            day = "2001-04-01",
            at = "2001-04-01T10:00:00+02:00",
            mood = "wild",
            many = new[] { 1, 2, 3 },
            point = new { x = 4, y = 0.25 },
        }));
        Assert.Contains("hi|9223372036854775807|0.5|True|2001-04-01|2001-04-01T10:00:00.0000000+02:00|Wild|1+2+3|4,0.25|True|describe", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_dependency_is_named_with_what_asks_for_it()
    {
        // user.dll calls Weather.Client of Acme.Weather.dll, which is not sent along.
        var weather = new PersistedAssemblyBuilder(new AssemblyName("Acme.Weather") { Version = new Version(2, 1, 0, 0) }, typeof(object).Assembly);
        var client = weather.DefineDynamicModule("Acme.Weather").DefineType("Weather.Client", TypeAttributes.Public);
        var ask = client.DefineMethod("Ask", MethodAttributes.Public | MethodAttributes.Static, typeof(double), []);
        ask.GetILGenerator().Emit(OpCodes.Ldc_R8, 1.0);
        ask.GetILGenerator().Emit(OpCodes.Ret);
        client.CreateType();
        var user = new PersistedAssemblyBuilder(new AssemblyName("user"), typeof(object).Assembly);
        var stages = user.DefineDynamicModule("user").DefineType("Stages", TypeAttributes.Public);
        var rain = stages.DefineMethod("Rain", MethodAttributes.Public | MethodAttributes.Static, typeof(double), []);
        rain.GetILGenerator().Emit(OpCodes.Call, ask);
        rain.GetILGenerator().Emit(OpCodes.Ret);
        stages.CreateType();
        var staged = _mill.Content.Stage();
        user.Save(Path.Combine(staged, "user.dll"));
        var code = new CodeRef(_mill.Content.Commit(staged).Digest, "user.dll");

        var error = await Fails(_mill.Call(new CodeCallOptions { Type = "Stages", Method = "Rain" }) with { Code = code });

        Assert.Equal(ErrorCodes.CodeLoad, error.Code);
        Assert.Equal(("Acme.Weather", "user.dll"), (error.Error.Details["assembly"], error.Error.Details["askedBy"]));
        Assert.Contains("'Acme.Weather' (version 2.1.0.0), which 'user.dll' asks for", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_default_stands_in_for_a_missing_argument()
    {
        Assert.Equal(11, await Value("Add", new { a = 1 }));
        Assert.Equal(3, await Value("Add", new { a = 1, b = 2 }));
    }

    [Fact]
    public async Task A_lambda_without_captures_is_a_stage()
    {
        var method = TestStages.Double.Method;
        var result = await Run(_mill.Call(new CodeCallOptions { Type = method.DeclaringType!.FullName!, Method = method.Name, Arguments = Json(new { x = 21 }) }));
        Assert.Equal(42, result.Outputs["metrics"].Metrics!["value"]);
    }

    [Fact]
    public async Task A_record_of_numbers_is_metrics()
    {
        var metrics = (await Run(_mill.Call("Record"))).Outputs["metrics"].Metrics!;
        Assert.Equal(0.75, metrics["auc"]);
        Assert.Equal(0.5, metrics["logLoss"]);
    }

    [Fact]
    public async Task Texts_and_lists_of_records_are_values_that_others_take()
    {
        Assert.Equal("\"red\"", (await Run(_mill.Call("Colour"))).Outputs["out"].Value!.Json);
        var routes = (await Run(_mill.Call("Routes", new { origin = "SFO", count = 4 }))).Outputs["out"];
        Assert.Equal((ArtifactKind.Value, 4), (routes.Kind, routes.Value!.Count));
        Assert.StartsWith("""[{"origin":"SFO","flights":0},""", routes.Value.Json, StringComparison.Ordinal);
        var call = _mill.Call("CountRoutes");
        Assert.Equal(6, (await Run(call with { Inputs = call.Inputs.Add("routes", routes) })).Outputs["metrics"].Metrics!["value"]);
        Assert.Contains("10,001 elements", (await Fails(_mill.Call("Routes", new { origin = "SFO", count = 10_001 }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_is_kept_and_handed_on()
    {
        var file = (await Run(_mill.Call("WriteFile", new { text = "hello" }))).Outputs["out"];
        Assert.Equal((ArtifactKind.File, "note.txt", 5L), (file.Kind, file.File!.Name, file.File.Bytes));
        var call = _mill.Call("ReadFile");
        Assert.Equal(5, (await Run(call with { Inputs = call.Inputs.Add("file", file) })).Outputs["metrics"].Metrics!["value"]);
        Assert.Equal(file, (await Run(Mill.Request("import", StageOperations.ImportFile, JsonSerializer.Serialize(new { path = Path.Combine(_mill.Content.GetPath(file.File.Digest), "note.txt") })))).Outputs["out"]);
        var gone = await Fails(Mill.Request("import", StageOperations.ImportFile, JsonSerializer.Serialize(new { path = _mill.Path("nowhere") })));
        Assert.Equal(ErrorCodes.FileNotFound, gone.Code);
    }

    [Fact]
    public async Task What_a_loop_made_comes_as_lists_of_any_kind()
    {
        var table = (await Run(_mill.Call("Sequence", new { batches = 1, rows = 5 }))).Outputs["out"];
        var call = _mill.Call("SumAll");
        var result = await Run(call with
        {
            Inputs = call.Inputs
                .Add("tables", Collected(null, table, null, table))
                .Add("scores", Collected("auc", Metrics(0.25), null, Metrics(0.5)))
                .Add("names", Collected(null, Artifact.Of(ValueRef.Of("\"ab\"")))),
        });

        // Elements that can be null show what was skipped; others leave it out.
        Assert.Equal(5 + 1000 + 5 + 0.75 + 2, result.Outputs["metrics"].Metrics!["value"]);
        var wrong = await Fails(call with { Inputs = call.Inputs.Add("tables", Collected(null, Metrics(1))).Add("scores", Collected("auc", Metrics(1))).Add("names", Collected(null)) });
        Assert.Equal((ErrorCodes.TypeMismatch, "tables"), (wrong.Code, wrong.Error.Details["parameter"]));

        static Artifact Metrics(double auc) => Artifact.Of(ImmutableDictionary<string, double>.Empty.Add("auc", auc));

        static Artifact Collected(string? metric, params Artifact?[] items) =>
            Artifact.Of(new CollectionRef { Stage = "s", Output = "out", Metric = metric, Items = [.. items] });
    }

    [Fact]
    public async Task How_the_run_ended_is_handed_in_and_what_is_missing_takes_its_default()
    {
        var exit = new ExitStatus { Run = "r", Pipeline = "p", Status = RunStatus.Failed, FailedStage = "bad", Created = DateTimeOffset.UnixEpoch, Ended = DateTimeOffset.UnixEpoch };
        Assert.Equal("\"Failed bad\"", (await Run(_mill.Call("Exit") with { Exit = exit })).Outputs["out"].Value!.Json);
        Assert.Equal(7, await Value("Optional", new { }));
        Assert.Equal(7, await Value("Optional", new { least = (double?)null }));
    }

    [Fact]
    public async Task A_secret_takes_its_place_in_the_worker()
    {
        var call = _mill.Call("Login", new { password = new Dictionary<string, string> { ["$secret"] = "door" } });
        Assert.Equal(1, (await Run(call with { Secrets = call.Secrets.Add("door", "open sesame") })).Outputs["metrics"].Metrics!["value"]);
    }

    [Fact]
    public async Task Nothing_returned_is_no_output() => Assert.Empty((await Run(_mill.Call("Nothing"))).Outputs);

    [Fact]
    public async Task A_tuple_is_an_output_an_element()
    {
        var outputs = (await Run(_mill.Call("Both"))).Outputs;
        Assert.Equal(3, outputs["item1"].Dataset!.Rows);
        Assert.Equal(3, outputs["item2"].Metrics!["value"]);
        var named = _mill.Call(new CodeCallOptions { Type = typeof(TestStages).FullName!, Method = "Both", Outputs = ["rows", "count"] });
        Assert.Equal(["count", "rows"], (await Run(named)).Outputs.Keys.Order());
    }

    [Fact]
    public async Task As_many_names_as_results_are_needed()
    {
        var error = await Fails(_mill.Call(new CodeCallOptions { Type = typeof(TestStages).FullName!, Method = "Both", Outputs = ["rows"] }));
        Assert.Equal(ErrorCodes.Invalid, error.Code);
    }

    [Fact]
    public async Task A_dataset_passed_on_is_the_same_object()
    {
        var made = (await Run(_mill.Call("Sequence", new { batches = 3, rows = 5 }))).Outputs["out"];
        Assert.Equal(15, made.Dataset!.Rows);
        var call = _mill.Call("PassOn");
        var passed = await Run(call with { Inputs = call.Inputs.Add("data", made) });
        Assert.Equal(made, passed.Outputs["out"]);
    }

    [Theory]
    [InlineData("Gristmill.Worker.TestCode.Missing", "Add", "has no type 'Gristmill.Worker.TestCode.Missing'")]
    [InlineData("Gristmill.Worker.TestCode.TestStages", "Missing", "has no method 'Missing'")]
    [InlineData("Gristmill.Worker.TestCode.TestStages", "Generic", "is generic")]
    [InlineData("Gristmill.Worker.TestCode.TestStages", "Overloaded", "has 2 overloads")]
    [InlineData("Gristmill.Worker.TestCode.TestStages+Point", "ToString", "is not static")]
    public async Task What_cannot_be_called_is_named(string type, string method, string message)
    {
        var error = await Fails(_mill.Call(new CodeCallOptions { Type = type, Method = method }));
        Assert.Equal(ErrorCodes.CodeLoad, error.Code);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_picks_an_overload()
    {
        var call = _mill.Call(new CodeCallOptions
        {
            Type = typeof(TestStages).FullName!,
            Method = "Overloaded",
            Signature = ["System.String"],
            Arguments = Json(new { a = "four" }),
        });
        Assert.Equal(4, (await Run(call)).Outputs["metrics"].Metrics!["value"]);
    }

    [Theory]
    [InlineData("Add", """{}""", ErrorCodes.Invalid, "'a'")]
    [InlineData("Add", """{"a":"x"}""", ErrorCodes.TypeMismatch, "'a'")]
    [InlineData("Add", """{"a":1,"c":2}""", ErrorCodes.Invalid, "'c'")]
    [InlineData("Add", """{"a":1,"b":1.5}""", ErrorCodes.TypeMismatch, "'b'")]
    [InlineData("NotAnOutput", """{}""", ErrorCodes.TypeMismatch, "Action")]
    [InlineData("Sequence", """{"batches":0,"rows":0}""", ErrorCodes.BadValue, "no record batch")]
    public async Task A_wrong_argument_or_result_is_named(string method, string arguments, string code, string named)
    {
        var error = await Fails(_mill.Call(new CodeCallOptions
        {
            Type = typeof(TestStages).FullName!,
            Method = method,
            Arguments = JsonSerializer.Deserialize<ImmutableDictionary<string, JsonElement>>(arguments)!,
        }));
        Assert.Equal(code, error.Code);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_input_of_another_kind_is_named()
    {
        var call = _mill.Call("Sum");
        var error = await Fails(call with { Inputs = call.Inputs.Add("data", Artifact.Of(ImmutableDictionary<string, double>.Empty)) });
        Assert.Equal(ErrorCodes.TypeMismatch, error.Code);
        Assert.Contains("'data'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Code_that_is_not_there_is_an_error()
    {
        var gone = await Fails(_mill.Call("Add", new { a = 1 }) with { Code = new CodeRef(new string('0', 64), "x.dll") });
        Assert.Equal(ErrorCodes.NotFound, gone.Code);
        var other = await Fails(_mill.Call("Add", new { a = 1 }) with { Code = _mill.Code with { EntryAssembly = "x.dll" } });
        Assert.Equal(ErrorCodes.CodeLoad, other.Code);
    }

    [Fact]
    public async Task A_file_that_is_no_assembly_is_an_error()
    {
        var staged = _mill.Content.Stage();
        await File.WriteAllTextAsync(Path.Combine(staged, "bad.dll"), "not an assembly", Stop);
        var error = await Fails(_mill.Call("Add", new { a = 1 }) with { Code = new CodeRef(_mill.Content.Commit(staged).Digest, "bad.dll") });
        Assert.Equal(ErrorCodes.CodeLoad, error.Code);
        Assert.Contains("bad.dll", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Code_that_is_retired_is_unloaded_when_its_last_call_ends()
    {
        var context = UseAndRetire();
        for (var tries = 0; tries < 20 && context.IsAlive; tries++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Yield();
        }

        Assert.False(context.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference UseAndRetire()
    {
        var code = UserCode.Load(_mill.Content, _mill.Code);
        Assert.True(code.TryUse());
        var type = code.Assembly(null).GetType(typeof(TestStages).FullName!)!;
        Assert.NotSame(typeof(TestStages), type);
        var context = new WeakReference(System.Runtime.Loader.AssemblyLoadContext.GetLoadContext(type.Assembly));
        code.Retire();
        Assert.False(code.TryUse());
        code.Release();
        return context;
    }

    private Task<StageResult> Run(StageRequest request) => _host.ExecuteAsync(request, null, Stop);

    private async Task<double> Value(string method, object arguments) => (await Run(_mill.Call(method, arguments))).Outputs["metrics"].Metrics!["value"];

    private async Task<GristmillException> Fails(StageRequest request) => await Assert.ThrowsAsync<GristmillException>(() => Run(request));

    private static ImmutableDictionary<string, JsonElement> Json(object value) =>
        JsonSerializer.SerializeToElement(value).EnumerateObject().ToImmutableDictionary(p => p.Name, p => p.Value);
}
