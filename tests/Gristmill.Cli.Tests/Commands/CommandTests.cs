using System.Text;

namespace Gristmill.Cli.Commands;

public sealed class CommandTests
{
    [Theory]
    [InlineData("flight-delay", "flight-delay", null)]
    [InlineData("flight-delay:3", "flight-delay", 3)]
    public void A_model_may_name_its_version(string text, string model, int? version)
    {
        var spec = DeployCommand.Parse(text);

        Assert.Equal((model, version), (spec.Model, spec.Version));
    }

    [Theory]
    [InlineData("m:0")]
    [InlineData("m:x")]
    [InlineData(":1")]
    public void A_version_that_is_none_is_refused(string text) =>
        Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => DeployCommand.Parse(text)).Code);

    [Fact]
    public async Task Rows_are_read_from_pairs_json_files_and_standard_input()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "[{}]", TestContext.Current.CancellationToken);

            Assert.Equal("""{"origin":"ATL","distance":760,"late":true,"code":"007"}""", await Read("origin=ATL", "distance=760", "late=true", "code=\"007\""));
            Assert.Equal("""[{"a":1}]""", await Read("""[{"a":1}]"""));
            Assert.Equal("[{}]", await Read("@" + file));
            Assert.Equal("{}", await Read("-"));
        }
        finally
        {
            File.Delete(file);
        }

        static async Task<string> Read(params string[] rows) =>
            Encoding.UTF8.GetString(await PredictCommand.ReadRowsAsync(rows, () => new MemoryStream("{}"u8.ToArray()), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("origin")]
    [InlineData("{bad")]
    [InlineData("@/nowhere.json")]
    public async Task Rows_that_are_none_are_refused(string row) =>
        await Assert.ThrowsAsync<GristmillException>(() => PredictCommand.ReadRowsAsync([row], () => Stream.Null, TestContext.Current.CancellationToken));

    [Theory]
    [InlineData(2)]
    [InlineData(2, "frob")]
    [InlineData(2, "deploy")]
    [InlineData(2, "runs", "--limit", "0")]
    [InlineData(2, "runs", "--nope")]
    [InlineData(2, "rm", "-x")]
    [InlineData(2, "trigger", "list", "--all")]
    [InlineData(2, "trigger", "add", "t", "--spec", "t.json", "--every", "1m")]
    [InlineData(2, "compare", "a", "b", "--filter", "x")]
    [InlineData(2, "compare")]
    [InlineData(2, "up", "--port", "70000")]
    [InlineData(2, "run", "/nowhere/pipeline.cs")]
    [InlineData(2, "models", "--server", "ftp://x")]
    [InlineData(3, "models", "--server", "127.0.0.1:1")]
    [InlineData(2, "export")]
    [InlineData(2, "export", "m", "--format", "pmml")]
    [InlineData(2, "export", "m", "--out", "/nowhere/m.onnx")]
    [InlineData(3, "export", "m", "--out", "/tmp/m.onnx", "--server", "127.0.0.1:1")]
    [InlineData(0, "runs", "--help")]
    [InlineData(2, "trigger")]
    [InlineData(2, "trigger", "add", "t", "p")]
    [InlineData(2, "trigger", "add", "t", "p", "--every", "soon")]
    [InlineData(2, "trigger", "add", "t", "p", "--every", "1m", "--cron", "@daily")]
    [InlineData(2, "trigger", "add", "t", "p", "--cron", "@daily", "--zone", "Nowhere")]
    [InlineData(2, "trigger", "add", "t", "p", "--file", "relative/*.csv")]
    [InlineData(2, "trigger", "add", "t", "p", "--object", "ftp://host/x")]
    [InlineData(2, "trigger", "add", "t", "p", "--object", "https://host/x?sig=y")]
    [InlineData(2, "trigger", "add", "t", "p", "--object", "https://host/x", "--file", "/in/*.csv")]
    [InlineData(2, "trigger", "add", "t", "p", "--every", "1m", "--object-secret", "s")]
    [InlineData(3, "trigger", "add", "t", "p", "--object", "https://host/x", "--object-secret", "s", "--server", "127.0.0.1:1")]
    [InlineData(2, "trigger", "add", "t", "p", "--concurrency", "maybe", "--every", "1m")]
    [InlineData(3, "trigger", "add", "t", "p", "--every", "1m", "--server", "127.0.0.1:1")]
    [InlineData(3, "trigger", "add", "t", "p", "--cron", "@daily", "--on", "failed", "--catch-up", "ALL", "--server", "127.0.0.1:1")]
    [InlineData(2, "trigger", "add", "t", "p", "--concurrency", "1", "--every", "1m")]
    [InlineData(2, "partitions")]
    [InlineData(2, "partitions", "p", "--status", "odd")]
    [InlineData(2, "backfill", "p")]
    [InlineData(2, "backfill", "p", "*", "--stale", "--all")]
    [InlineData(3, "backfill", "p", "*", "--server", "127.0.0.1:1")]
    [InlineData(3, "partitions", "mark-stale", "p", "*", "--server", "127.0.0.1:1")]
    [InlineData(3, "trigger", "list", "--server", "127.0.0.1:1")]
    public async Task Exit_codes_are_as_documented(int exitCode, params string[] args) =>
        Assert.Equal(exitCode, await MillCli.InvokeAsync(args, new TestConsole().Console, TestContext.Current.CancellationToken));
}
