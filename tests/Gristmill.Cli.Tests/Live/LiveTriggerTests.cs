namespace Gristmill.Cli.Live;

/// <summary>'mill trigger' on a real server.</summary>
public sealed class LiveTriggerTests(LiveServer server) : LiveTests(server), IAsyncLifetime
{
    public async ValueTask InitializeAsync()
    {
        await Client.RegisterPipelineAsync(Idle("orders", new ParameterSpec("order", ParameterType.Integer, "0"), new ParameterSpec("who", ParameterType.String, "\"nobody\"")), Token);
        await Client.RegisterPipelineAsync(Idle("stock"), Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var trigger in await Client.ListTriggersAsync(cancellationToken: Token))
        {
            await Client.DeleteTriggerAsync(trigger.Spec.Name, Token);
        }
    }

    [Fact]
    public async Task Each_source_is_added_as_it_was_said()
    {
        var inbox = Directory.CreateDirectory(Path.Combine(Silo.Folder, "inbox")).FullName;
        var secrets = Directory.CreateDirectory(Path.Combine(Silo.DataDirectory, "secrets")).FullName;
        var secret = Path.Combine(secrets, "shop");
        await File.WriteAllTextAsync(secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Token);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        var nightly = await RunAsync(0, "trigger", "add", "nightly", "orders", "--cron", "0 3 * * *", "--zone", "Europe/Berlin", "-p", "order=7", "--description", "Every night.",
            "--concurrency", "queue", "--catch-up", "skip");
        Assert.StartsWith("nightly starts orders at '0 3 * * *' Europe/Berlin\n  Every night.\n  order = 7\n  state: on; 0 firings; concurrency queue\n  next: ", nightly, StringComparison.Ordinal);
        var spec = (await Client.GetTriggerAsync("nightly", Token)).Spec;
        Assert.Equal((new CronSchedule("0 3 * * *", "Europe/Berlin"), "7", ConcurrencyPolicy.Queue, CatchUpPolicy.Skip), (spec.Cron, spec.Parameters["order"], spec.Concurrency, spec.CatchUp));

        Assert.StartsWith("often starts orders every 15 min\n", await RunAsync(0, "trigger", "add", "often", "orders", "--every", "15m"), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromMinutes(15), (await Client.GetTriggerAsync("often", Token)).Spec.Interval!.Every);

        Assert.StartsWith($"inbox starts orders for files {inbox}/*.csv\n  who = \"{{{{file}}}}\"\n",
            await RunAsync(0, "trigger", "add", "inbox", "orders", "--file", $"{inbox}/*.csv", "-p", "who={{file}}"), StringComparison.Ordinal);
        spec = (await Client.GetTriggerAsync("inbox", Token)).Spec;
        Assert.Equal(($"{inbox}/*.csv", "\"{{file}}\""), (spec.File!.Path, spec.Parameters["who"]));

        // Where senders have to send to is said, and the secret is not.
        var hook = await RunAsync(0, "trigger", "add", "hook", "orders", "--webhook", "shop");
        Assert.Contains($"send to: {Address}api/v1/hooks/hook\n", hook, StringComparison.Ordinal);
        Assert.DoesNotContain("whsec", hook, StringComparison.Ordinal);
        Assert.Equal("shop", (await Client.GetTriggerAsync("hook", Token)).Spec.Webhook!.Secret);

        Assert.StartsWith("then starts orders after stock failed\n", await RunAsync(0, "trigger", "add", "then", "orders", "--after", "stock", "--on", "failed"), StringComparison.Ordinal);
        Assert.Equal(new RunCompletion("stock", RunOutcomes.Failed), (await Client.GetTriggerAsync("then", Token)).Spec.After);

        Assert.StartsWith("drift starts orders when stock/take/auc < 0.6\n", await RunAsync(0, "trigger", "add", "drift", "orders", "--metric", "stock/take/auc < 0.6"), StringComparison.Ordinal);
        Assert.Equal(new MetricThreshold("stock", "take", "auc", "<", 0.6), (await Client.GetTriggerAsync("drift", Token)).Spec.Metric);

        // The silo's program has no stream provider: that is found when the trigger is added, not when events are missing.
        Assert.Equal("", await RunAsync(2, "trigger", "add", "events", "orders", "--stream", "bus/new/all"));
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<GristmillException>(() => Client.GetTriggerAsync("events", Token))).Code);

        var file = Path.Combine(Silo.Folder, "trigger.json");
        await File.WriteAllTextAsync(file, """{"name":"whatever","pipeline":"orders","interval":{"every":"02:00:00"},"parameters":{"order":5}}""", Token);
        Assert.StartsWith("whole starts orders every 2 h\n  order = 5\n", await RunAsync(0, "trigger", "add", "whole", "--spec", file), StringComparison.Ordinal);
        Assert.Equal("5", (await Client.GetTriggerAsync("whole", Token)).Spec.Parameters["order"]);
        // What would be passed over is refused.
        await RunAsync(2, "trigger", "add", "other", "--spec", file, "--every", "3m");
        await RunAsync(2, "trigger", "add", "other", "stock", "--spec", file);
        Assert.DoesNotContain(await Client.ListTriggersAsync(cancellationToken: Token), static trigger => trigger.Spec.Name == "other");

        var list = Rows(await RunAsync(0, "trigger", "list"));
        Assert.Equal(["trigger", "drift", "hook", "inbox", "nightly", "often", "then", "whole"], list.Keys);
        Assert.Equal(["orders", "at '0 3 * * *' Europe/Berlin", "on"], list["nightly"][1..4]);
        Assert.Equal(["trigger", "drift", "hook"], Rows(await RunAsync(0, "trigger", "list", "orders", "-n", "2")).Keys);
        Assert.Equal(["trigger", "then", "whole"], Rows(await RunAsync(0, "trigger", "list", "--after", "often")).Keys);
        Assert.StartsWith("There are no triggers.", await RunAsync(0, "trigger", "list", "stock"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trigger_is_paused_fired_resumed_changed_and_removed()
    {
        await RunAsync(0, "trigger", "add", "nightly", "orders", "--cron", "@daily", "-p", "order=7");
        Assert.Equal("It has not fired.\n", await RunAsync(0, "trigger", "history", "nightly"));

        var paused = await RunAsync(0, "trigger", "pause", "nightly");
        Assert.Contains("state: paused; 0 firings", paused, StringComparison.Ordinal);
        Assert.DoesNotContain("next:", paused, StringComparison.Ordinal);
        Assert.True((await Client.GetTriggerAsync("nightly", Token)).Paused);

        var first = await FireAsync();
        var second = await FireAsync("-p", "order=9");
        Assert.Equal(("7", "9"), ((await Silo.FinishAsync(first)).Parameters["order"], (await Silo.FinishAsync(second)).Parameters["order"]));

        var shown = await RunAsync(0, "trigger", "resume", "nightly");
        Assert.Contains("state: on; 2 firings", shown, StringComparison.Ordinal);
        Assert.Contains($"last: Firing 2 started run {second}.", shown, StringComparison.Ordinal);
        Assert.Equal(shown, await RunAsync(0, "trigger", "show", "nightly"));
        Assert.Contains($"by trigger nightly\n  order = 9", await RunAsync(0, "show", second), StringComparison.Ordinal);

        var history = Rows(await RunAsync(0, "trigger", "history", "nightly"));
        Assert.Equal(["for", "2", "1"], history.Keys);
        Assert.Equal(["started", second], history["2"][3..]);
        Assert.Equal(["for", "1"], Rows(await RunAsync(0, "trigger", "history", "nightly", "--before", "2")).Keys);

        // A name that is there is not overwritten unasked.
        await RunAsync(2, "trigger", "add", "nightly", "orders", "--every", "5m");
        Assert.NotNull((await Client.GetTriggerAsync("nightly", Token)).Spec.Cron);
        Assert.StartsWith("nightly starts orders every 5 min\n", await RunAsync(0, "trigger", "add", "nightly", "orders", "--every", "5m", "--replace"), StringComparison.Ordinal);

        Assert.Equal("Trigger nightly is removed.\n", await RunAsync(0, "trigger", "rm", "nightly"));
        await RunAsync(2, "trigger", "show", "nightly");
        await RunAsync(2, "trigger", "rm", "nightly");
        Assert.Equal(RunStatus.Succeeded, (await Client.GetRunAsync(first, Token)).Status);

        async Task<string> FireAsync(params string[] more)
        {
            var text = await RunAsync(0, ["trigger", "fire", "nightly", .. more]);
            Assert.Matches(@"\AFiring [12] started run \S+\.\n\z", text);
            return text.Split(' ')[^1].TrimEnd('\n', '.');
        }
    }
}
