using System.Globalization;
using System.Text;
using Gristmill.Client;

namespace Gristmill.Hosting;

/// <summary>What people get wrong and what machines do to us: a clear error, the silo stays up, nothing is half-committed.</summary>
public sealed class FailureTests(FailureTests.BareSilo bare) : IClassFixture<FailureTests.BareSilo>
{
    private readonly SiloProcess _silo = bare.Silo;

    [Fact]
    public Task A_missing_file_is_named() =>
        FailsAsync("missing", p => p.Read.Parquet("/nowhere/flights.parquet"), ErrorCodes.FileNotFound, "/nowhere/flights.parquet");

    [Fact]
    public async Task A_parquet_that_is_none_is_told_so()
    {
        var path = Path.Combine(_silo.Folder, "fake.parquet");
        await File.WriteAllTextAsync(path, new string('x', 1000), TestContext.Current.CancellationToken);
        await FailsAsync("fake", p => p.Read.Parquet(path), ErrorCodes.FileFormat, "fake.parquet");
    }

    [Fact]
    public async Task A_sql_error_keeps_the_engine_s_words_and_position()
    {
        var csv = Trips.WriteCsv(_silo.Folder);
        var error = await FailsAsync("sql", p =>
        {
            var raw = p.Read.Csv(csv);
            p.Sql($"select hour, distanse from {raw}");
        }, ErrorCodes.Sql, "distanse");
        Assert.Contains("line", error.Details.Keys);
        Assert.Contains("position", error.Details.Keys);
        Assert.Contains("distance", error.Message + error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_label_lists_the_columns()
    {
        var csv = Trips.WriteCsv(_silo.Folder);
        var error = await FailsAsync("label", p => p.Train.LightGbm(p.Read.Csv(csv), label: "lateness", exclude: ["day"]), ErrorCodes.UnknownColumn, "lateness");
        Assert.Contains("delay", error.Message + error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_silo_on_the_same_folder_is_refused()
    {
        var (code, output) = await _silo.RunSecondAsync();
        Assert.Equal(1, code);
        Assert.Contains(ErrorCodes.DataFolderInUse, output, StringComparison.Ordinal);
        Assert.Contains(_silo.Id.ToString(CultureInfo.InvariantCulture), output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_store_is_an_error_and_leaves_no_segment()
    {
        await using var silo = await SiloProcess.StartAsync("--Gristmill:ObjectCapacityBytes=300000", "--Gristmill:SpillDirectory=", "--Gristmill:PutTimeout=0:00");
        var run = await silo.RunAsync(Trips.Pipeline(Trips.WriteCsv(silo.Folder)));
        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(ErrorCodes.StoreFull, run.Error!.Code);
        Assert.DoesNotContain(Directory.GetFiles(silo.ObjectDirectory), file => !file.EndsWith(".arrow", StringComparison.Ordinal) && !file.EndsWith(".slab", StringComparison.Ordinal));
        using var ready = await silo.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.True(ready.IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_store_that_is_too_small_for_all_runs_spills_and_they_succeed()
    {
        const long Capacity = 2 << 20;
        await using var silo = await SiloProcess.StartAsync($"--Gristmill:ObjectCapacityBytes={Capacity}", "--Gristmill:Cache=false");
        var pipeline = Trips.Pipeline(Trips.WriteCsv(silo.Folder));
        for (var run = 0; run < 6; run++)
        {
            var ended = await silo.RunAsync(pipeline);
            Assert.Equal((RunStatus.Succeeded, null), (ended.Status, ended.Error?.Message));
        }

        using var client = new GristmillClient(silo.Http.BaseAddress!.ToString());
        var page = await client.ListObjectsAsync(new ObjectQuery { Limit = 1000 }, TestContext.Current.CancellationToken);
        Assert.InRange(page.SpilledBytes, 1, page.Bytes);
        Assert.InRange(page.Bytes - page.SpilledBytes, 1, Capacity);
        Assert.Equal(page.SpilledBytes, page.Objects.Where(item => item.Spilled).Sum(item => item.Bytes));
        Assert.All(page.Objects, item => Assert.Equal(ObjectState.Sealed, item.State));
        var spilled = page.Objects.First(item => item.Spilled);
        Assert.Equal(spilled.Rows, (await client.PreviewObjectAsync(spilled.Id, 2, TestContext.Current.CancellationToken)).Total);
    }

    [Fact]
    public async Task Sigterm_is_a_graceful_stop()
    {
        await using var silo = await SiloProcess.StartAsync();
        Assert.Equal(0, await silo.TerminateAsync());
    }

    [Fact]
    public async Task Settings_that_are_wrong_are_all_named()
    {
        await using var silo = new BareProcess(
            "--Gristmill:Slots=-1", "--Gristmill:Cluster=no spaces", "--Gristmill:Storage=oracle", "--Gristmill:CacheMaxAge=soon", "--Gristmill:ThreadPerSlot=2", "--Gristmill:Resources:gpu=some",
            "--Gristmill:TrustedOrigins:0=https://ml.example.com/", "--Gristmill:TrustedOrigins:1=ml.example.com",
            "--Gristmill:Address=mill.example.com", "--Gristmill:ObjectPort=70000");
        var (code, error) = await silo.RunAsync();
        Assert.Equal(2, code);
        Assert.Contains("Gristmill:Address is 'mill.example.com': an IP address of this machine.", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:ObjectPort is '70000': 0 to 65535.", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:Slots is '-1': 0 to 1024.", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:Cluster is 'no spaces': ", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:Storage is 'oracle': sqlite or postgres.", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:CacheMaxAge is 'soon': a time, ", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:ThreadPerSlot is no setting. Did you mean Gristmill:ThreadsPerSlot?", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:Resources:gpu is 'some': a number.", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:TrustedOrigins:0 is 'https://ml.example.com/': a scheme, a host", error, StringComparison.Ordinal);
        Assert.Contains("Gristmill:TrustedOrigins:1 is 'ml.example.com': a scheme, a host", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_setting_of_several_values_is_not_taken_for_one()
    {
        await using var silo = new BareProcess("--Gristmill:TrustedOrigins=https://ml.example.com", "--Gristmill:Resources=2");
        var (code, error) = await silo.RunAsync();
        Assert.Equal(2, code);
        Assert.Contains("Gristmill:TrustedOrigins is 'https://ml.example.com': it has several values, each under a key of its own, such as Gristmill:TrustedOrigins:0.", error, StringComparison.Ordinal);
        Assert.Contains("such as Gristmill:Resources:NAME.", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Storage_is_not_prepared_with_settings_that_are_wrong()
    {
        await using var silo = new BareProcess("storage-init", "--Gristmill:Storage=oracle");
        var (code, error) = await silo.RunAsync();
        Assert.Equal(2, code);
        Assert.Equal("mill: Gristmill:Storage is 'oracle': sqlite or postgres.", error.Trim());
    }

    [Fact]
    public async Task A_body_that_is_no_spec_is_refused()
    {
        using var content = new StringContent("""{"name":"x","stagez":[]}""", Encoding.UTF8, "application/json");
        using var response = await _silo.Http.PutAsync(new Uri("/api/v1/pipelines/x", UriKind.Relative), content, TestContext.Current.CancellationToken);
        await EndToEndTests.AssertProblemAsync(response, System.Net.HttpStatusCode.BadRequest, ErrorCodes.Invalid, "stagez");
    }

    private async Task<ErrorInfo> FailsAsync(string name, Action<PipelineBuilder> define, string code, string names)
    {
        var run = await _silo.RunAsync(Pipeline.Create(name, define));
        Assert.Equal(RunStatus.Failed, run.Status);
        Assert.Equal(code, run.Error!.Code);
        Assert.Contains(names, run.Error.Message, StringComparison.Ordinal);
        using var ready = await _silo.Http.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.True(ready.IsSuccessStatusCode);
        return run.Error;
    }

    public sealed class BareSilo : IAsyncLifetime
    {
        public SiloProcess Silo { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Silo = await SiloProcess.StartAsync();

        public ValueTask DisposeAsync() => Silo.DisposeAsync();
    }

    private sealed class BareProcess(params string[] settings) : IAsyncDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-bare-").FullName;

        public async Task<(int ExitCode, string Error)> RunAsync()
        {
            var start = new System.Diagnostics.ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = _folder };
            foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "Gristmill.Silo.dll"), .. settings, "--urls=http://127.0.0.1:0"])
            {
                start.ArgumentList.Add(argument);
            }

            using var process = System.Diagnostics.Process.Start(start)!;
            _ = process.StandardOutput.ReadToEndAsync();
            var error = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, error);
        }

        public ValueTask DisposeAsync()
        {
            Directory.Delete(_folder, recursive: true);
            return ValueTask.CompletedTask;
        }
    }
}
