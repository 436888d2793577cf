using System.Text.Json;
using Gristmill.Client;
using Gristmill.Hosting;
using Json.Schema;

namespace Gristmill.Samples;

/// <summary>Every sample, in a process of its own and on a server: the same file, the same result.</summary>
public sealed class SampleTests(SampleTests.Server server) : IClassFixture<SampleTests.Server>, IDisposable
{
    private static readonly Lazy<JsonSchema> s_schema = new(static () =>
        JsonSchema.FromFile(Path.Combine(SampleProgram.Folder, "..", "docs", "reference", "pipeline.schema.json")));

    private readonly string _data = Directory.CreateTempSubdirectory("gristmill-sample-").FullName;

    /// <summary>The samples, with parameters that make them small enough for a test.</summary>
    public static TheoryData<string, string[]> Samples => new()
    {
        { "custom", ["--param", "epochs=2"] },
        { "fanout", [] },
        { "flights", [] },
        { "flights-monthly", ["--partition", "2001-04"] },
        { "images", ["--param", "pictures=3000", "--param", "epochs=1"] },
        { "sentiment", [] },
    };

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task The_same_file_gives_the_same_result_in_its_own_process_and_on_a_server(string sample, string[] parameters)
    {
        if (Missing(sample) is { } data)
        {
            Assert.Skip($"There are no data at {data}.");
        }

        var program = new SampleProgram(sample);
        var here = await program.RunHereAsync(_data, parameters);
        var there = await RunThereAsync(program, parameters);

        Assert.Equal(RunStatus.Succeeded, here.Status);
        AssertSame(here, there);
        Assert.Equal(here.Parameters, there.Parameters);

        // What it is compiled to is what editors and other programs are told a pipeline is.
        Assert.Empty(Violations(await program.CompileHereAsync()));

        // Every evaluation has drawn, but those of a loop's items, and those whose result another test's run had.
        using var client = new GristmillClient(server.Silo.Http.BaseAddress!.AbsoluteUri);
        var artifacts = await client.ListArtifactsAsync(there.Id, TestContext.Current.CancellationToken);
        Assert.All(there.Stages.Where(static stage => stage.Operation is StageOperations.Evaluate or StageOperations.Best && stage.CachedFrom is null && !stage.Name.Contains('[', StringComparison.Ordinal)),
            stage => Assert.Contains(artifacts, artifact => artifact.Path.StartsWith($"figures/{stage.Name}/", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("fanout")]
    public async Task What_it_is_compiled_to_runs_without_its_source(string sample, params string[] parameters)
    {
        var (program, address) = (new SampleProgram(sample), server.Silo.Http.BaseAddress!);
        var there = await RunThereAsync(program, parameters);
        var (json, yaml) = (Path.Combine(_data, "spec.json"), Path.Combine(_data, "spec.yaml"));
        await program.CompileAsync(address, json);
        await SampleProgram.ConvertAsync(json, yaml);

        Assert.Empty(Violations(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken)));
        Assert.Equal(SpecFile.ToJson(SpecFile.Read(json)), SpecFile.ToJson(SpecFile.Read(yaml)));
        // The second may take over what the first has made: that it reads as the same is what is left to show.
        foreach (var (spec, cache) in new[] { (json, (string[])["--no-cache"]), (yaml, []) })
        {
            var run = await SampleProgram.RunSpecAsync(address, spec, [.. cache, .. parameters]);
            Assert.True(spec == yaml || run.CacheHits == 0);
            Assert.Equal(there.PipelineVersion, run.PipelineVersion);
            AssertSame(there, run);
        }
    }

    [Fact]
    public void The_schema_refuses_what_is_no_pipeline()
    {
        const string spec = """{"name":"p","stages":[{"name":"s","operation":"core.noop"}]}""";
        Assert.Empty(Violations(spec));
        Assert.All((string[])[spec.Replace("\"name\":\"p\",", ""), spec.Replace("operation", "operator"), spec.Replace("\"core.noop\"", "3")], text => Assert.NotEmpty(Violations(text)));
    }

    [Fact]
    public async Task Six_months_of_flights_are_backfilled_two_at_a_time()
    {
        if (Missing("flights-monthly") is { } data)
        {
            Assert.Skip($"There are no data at {data}.");
        }

        // Shipped with its first month; the server makes the others.
        var token = TestContext.Current.CancellationToken;
        var january = await RunThereAsync(new SampleProgram("flights-monthly"), ["--partition", "2001-01"]);
        using var client = new GristmillClient(server.Silo.Http.BaseAddress!.AbsoluteUri);
        var backfill = await client.StartBackfillAsync("flights-monthly", new BackfillRequest { Partitions = "2001-01..2001-06", Select = BackfillSelection.Needed }, token);
        while (backfill.Ended is null)
        {
            await Task.Delay(100, token);
            backfill = await client.GetBackfillAsync(backfill.Id, token);
        }

        Assert.Equal(RunStatus.Succeeded, backfill.Status);
        Assert.InRange(backfill.Total, 4, 5);
        var page = await client.ListPartitionsAsync("flights-monthly", cancellationToken: token);
        Assert.All(page.Items, item => Assert.Equal(PartitionStatus.Ready, item.Status));
        var rows = new List<long>();
        foreach (var item in page.Items)
        {
            rows.Add((await client.GetRunAsync(item.Run!, token)).Stages.Single(stage => stage.Name == "rows").Usage!.Rows);
        }

        // Each month has its own flights, and together they are all but the six after midnight of the last day.
        Assert.Equal(january.Stages.Single(stage => stage.Name == "rows").Usage!.Rows, rows[0]);
        Assert.Equal(2_999_994, rows.Sum());
        Assert.True((await client.GetTriggerAsync("flights-monthly-cron", token)).Declared);
    }

    [Fact]
    public void No_sample_is_left_out() => Assert.Equal(
        Directory.GetDirectories(SampleProgram.Folder).Where(folder => File.Exists(Path.Combine(folder, "pipeline.cs"))).Select(Path.GetFileName).Order(),
        Samples.Select(row => row.Data.Item1).Order());

    /// <summary>Ships the sample to the server; what does not end there is shown with how the server's runs stand and what it has said.</summary>
    private async Task<RunView> RunThereAsync(SampleProgram program, string[] parameters)
    {
        try
        {
            return await program.RunThereAsync(server.Silo.Http.BaseAddress!, parameters);
        }
        catch (TimeoutException e)
        {
            using var client = new GristmillClient(server.Silo.Http.BaseAddress!.AbsoluteUri);
            var runs = new List<string>();
            foreach (var run in (await client.ListRunsAsync(cancellationToken: TestContext.Current.CancellationToken)).Where(run => run.Ended is null))
            {
                runs.Add(GristmillJson.Serialize(await client.GetRunAsync(run.Id, TestContext.Current.CancellationToken)));
            }

            throw new TimeoutException($"{e.Message}\n{string.Join('\n', runs)}\n{server.Silo.Log}", e);
        }
        catch (Exception e) when (server.Silo.ExitCode is { } code)
        {
            throw new InvalidOperationException($"The silo ended with {code}.\n{e.Message}\n{server.Silo.Log}", e);
        }
    }

    /// <summary>Two runs gave the same, to the last bit of each table, value and metric. Both had one thread a stage: more add floats up in another order.</summary>
    private static void AssertSame(RunView expected, RunView actual)
    {
        Assert.Equal(Outcome(expected), Outcome(actual));
        Assert.Equal(Metrics(expected).OrderBy(static metric => metric.Key), Metrics(actual).OrderBy(static metric => metric.Key));
    }

    /// <summary>How each stage ended, and what it gave. Packages of models tell of their run; what the models are, their metrics and the tables that they scored do.</summary>
    private static List<string> Outcome(RunView run) =>
    [
        .. run.Stages.Select(static stage => $"{stage.Name} {stage.Operation} {stage.Status} {stage.Usage?.Rows} rows: " + string.Join(", ", stage.Outputs
            .OrderBy(output => output.Key, StringComparer.Ordinal)
            .Select(static output => $"{output.Key} {output.Value.Kind} {output.Value.Dataset?.SchemaFingerprint} {output.Value.Dataset?.Checksum} {output.Value.Model?.Engine} {output.Value.Value?.Json}"))),
    ];

    /// <summary>Where a spec is not what the published schema says.</summary>
    private static List<string> Violations(string spec)
    {
        using var document = JsonDocument.Parse(spec);
        var result = s_schema.Value.Evaluate(document.RootElement, new EvaluationOptions { OutputFormat = OutputFormat.List, RequireFormatValidation = true });
        return result.IsValid ? [] : [.. result.Details.SelectMany(static detail => (detail.Errors ?? new Dictionary<string, string>()).Select(error => $"{detail.InstanceLocation}: {error.Value}"))];
    }

    /// <summary>All numbers but those that say how fast it went, and how many versions of a model there are by now.</summary>
    private static Dictionary<(string Stage, string Metric), double> Metrics(RunView run) => run.Stages
        .SelectMany(stage => stage.Outputs.Values.SelectMany(output => output.Metrics ?? [])
            .Where(metric => metric.Key != "version" && !metric.Key.EndsWith("_per_s", StringComparison.Ordinal))
            .Select(metric => ((stage.Name, metric.Key), metric.Value)))
        .ToDictionary();

    private static string? Missing(string sample)
    {
        var data = sample switch
        {
            "flights" or "flights-monthly" => Path.Combine(Environment.GetEnvironmentVariable("GRISTMILL_DATA") ?? "", "flights-3m.parquet"),
            "images" => "/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz",
            "sentiment" => Path.Combine(SampleProgram.Folder, "sentiment/node_modules/sentiment/test/fixtures/imdb.json"),
            _ => null,
        };
        return data is null || File.Exists(data) ? null : data;
    }

    /// <summary>One server for all samples.</summary>
    public sealed class Server : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Silo = await SiloProcess.StartAsync("--Logging:LogLevel:Gristmill.Grains.Runs=Debug", "--Gristmill:ThreadsPerSlot=1");

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }
}
