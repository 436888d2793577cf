using System.Text.RegularExpressions;
using Gristmill.Hosting.Runs;
using Gristmill.Testing;

namespace Gristmill.Hosting;

/// <summary>Silos on machines of their own: none sees another's memory, and links can be cut.</summary>
public sealed partial class HostsTests : IDisposable
{
    private readonly string _content = Directory.CreateTempSubdirectory("gristmill-content-").FullName;

    public void Dispose() => Directory.Delete(_content, recursive: true);

    [Fact]
    public async Task A_table_comes_from_whichever_machine_can_be_reached()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        using var network = TestNetwork.Create(3);
        await using var postgres = await PostgresServer.StartAsync(network.Gateway);
        SiloProcess[] silos = await Task.WhenAll(network.Hosts.Select(host => SiloProcess.StartOnAsync(host.Address, host.Command,
            "--Gristmill:Storage=postgres", $"--Gristmill:ConnectionString={postgres.ConnectionString}", $"--Gristmill:ContentDirectory={_content}")));
        await using var one = silos[0];
        await using var two = silos[1];
        await using var three = silos[2];
        var pipeline = Pipeline.Create("made", p => p.Sql($"select range as n from range(3000000)").Named("rows"));
        var run = await one.RunAsync(pipeline);
        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Error?.Code} {run.Error?.Message}\n{one.Log}");
        var id = run.Stages.Single().Outputs["out"].Dataset!.Id;

        // Whichever made it, a second one asks for it, and the third when the first is cut off.
        var pages = await Task.WhenAll(silos.Select(static silo => silo.GetAsync<ObjectPage>("/api/v1/objects")));
        var maker = silos[Array.FindIndex(pages, page => page.Objects.Any(item => item.Id == id))];
        var (second, third) = (silos.First(silo => silo != maker), silos.Last(silo => silo != maker));
        Assert.Equal(3_000_000, (await second.GetAsync<ObjectPreview>($"/api/v1/objects/{id}/preview")).Total);
        network.Hosts[Array.IndexOf(silos, maker)].Cut();
        Assert.Equal(3_000_000, (await third.GetAsync<ObjectPreview>($"/api/v1/objects/{id}/preview")).Total);
        var from = Brought().Match(third.Log).Groups["from"].Value;
        Assert.Equal(network.Hosts[Array.IndexOf(silos, second)].Address, from);
        await maker.KillAsync(); // cut off from its database it would wait for that
    }

    [Fact]
    public async Task A_table_that_went_with_its_machine_is_made_again()
    {
        Assert.SkipWhen(PostgresServer.Missing is not null, PostgresServer.Missing ?? "");
        using var network = TestNetwork.Create(2);
        await using var postgres = await PostgresServer.StartAsync(network.Gateway);
        SiloProcess[] silos = await Task.WhenAll(network.Hosts.Select(host => SiloProcess.StartOnAsync(host.Address, host.Command,
            "--Gristmill:Storage=postgres", $"--Gristmill:ConnectionString={postgres.ConnectionString}", $"--Gristmill:ContentDirectory={_content}")));
        await using var one = silos[0];
        await using var two = silos[1];
        var open = Path.Combine(_content, "open");
        await one.RegisterAsync(Pipeline.Create("again", p =>
        {
            var rows = p.Sql($"select range as n from range(3000000)").Named("rows");
            var gate = p.Run(SiloStages.Talk, open).Named("gate");
            p.Sql($"select sum(n)::bigint as total from {rows}").Named("total").After(gate);
        }));
        var id = await one.StartRunAsync("again");
        var made = await one.FollowAsync(id, static change => change.Stage is { Name: "rows", Status: StageStatus.Succeeded });
        var table = made.Stage!.Outputs["out"].Dataset!.Id;
        var pages = await Task.WhenAll(silos.Select(static silo => silo.GetAsync<ObjectPage>("/api/v1/objects")));
        var maker = silos[Array.FindIndex(pages, page => page.Objects.Any(item => item.Id == table))];
        var other = silos.Single(silo => silo != maker);
        await maker.KillAsync();

        await File.WriteAllTextAsync(open, "", TestContext.Current.CancellationToken);
        var run = await EndAsync(other, id);
        Assert.True(run.Status == RunStatus.Succeeded, $"{run.Error?.Code} {run.Error?.Message}\n{other.Log}");
        Assert.Equal(1, run.Retries);
        Assert.InRange(run.Stages.Single(static stage => stage.Name == "rows").Attempts, 2, 3);
        var total = run.Stages.Single(static stage => stage.Name == "total").Outputs["out"].Dataset!.Id;
        Assert.Equal("4499998500000", (await other.GetAsync<ObjectPreview>($"/api/v1/objects/{total}/preview")).Rows.Single().Single().ToString());
    }

    /// <summary>The run once it has ended, asked for while the other silo is found dead and what it had is taken over.</summary>
    private static async Task<RunView> EndAsync(SiloProcess silo, string id)
    {
        var end = DateTime.UtcNow + TimeSpan.FromMinutes(2);
        while (true)
        {
            using var answer = await silo.Http.GetAsync(new Uri($"/api/v1/runs/{id}", UriKind.Relative));
            if (answer.IsSuccessStatusCode && await SiloProcess.ReadAsync<RunView>(answer) is { Ended: not null } run)
            {
                return run;
            }

            Assert.True(DateTime.UtcNow < end, $"{await answer.Content.ReadAsStringAsync()}\n{silo.Log}");
            await Task.Delay(200);
        }
    }

    [GeneratedRegex("bytes, was brought here from S?(?<from>[0-9.]+):")]
    private static partial Regex Brought();
}
