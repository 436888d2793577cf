using System.Globalization;

namespace Gristmill.Hosting;

/// <summary>What a silo costs that nobody uses.</summary>
public sealed class MemoryTests
{
    private const int BoundMegabytes = 150;

    /// <summary>
    /// The peak of resident memory, shared pages counted in full: the strict figure, which other processes cannot lower by
    /// mapping the same assemblies, as they do the proportional one, and which does not depend on when it is read.
    /// </summary>
    [Fact]
    public async Task An_idle_silo_stays_small()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Resident memory is read from /proc.");
        await using var silo = await SiloProcess.StartAsync();
        AssertSmall(silo, "after its start");
        foreach (var path in (string[])["/api/v1/info", "/api/v1/pipelines", "/api/v1/runs", "/api/v1/models", "/api/v1/deployments"])
        {
            using var answer = await silo.Http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}");
        }

        AssertSmall(silo, "after a few requests");
    }

    [Fact]
    public async Task The_dashboard_starts_at_its_first_request_and_leaves_the_api_description_alone()
    {
        await using var silo = await SiloProcess.StartAsync();
        var description = new Uri("/openapi/v1.json", UriKind.Relative);
        var before = await silo.Http.GetStringAsync(description, TestContext.Current.CancellationToken);
        var pages = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => silo.Http.GetStringAsync(new Uri("/orleans", UriKind.Relative), TestContext.Current.CancellationToken)));
        Assert.All(pages, page => Assert.Contains("index.min.js", page, StringComparison.Ordinal));
        Assert.NotEmpty(await silo.Http.GetByteArrayAsync(new Uri("/orleans/index.min.js", UriKind.Relative), TestContext.Current.CancellationToken));
        Assert.Contains("version", await silo.Http.GetStringAsync(new Uri("/orleans/version", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        using var nothing = await silo.Http.GetAsync(new Uri("/orleans/nothing", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, nothing.StatusCode);
        Assert.DoesNotContain("/orleans", before, StringComparison.Ordinal);
        Assert.Equal(before, await silo.Http.GetStringAsync(description, TestContext.Current.CancellationToken));

        // What the dashboard runs must not hold up the silo's end.
        Assert.Equal(0, await silo.TerminateAsync());
    }

    private static void AssertSmall(SiloProcess silo, string when)
    {
        var line = File.ReadLines($"/proc/{silo.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        var megabytes = long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024 / 1_000_000;
        Assert.True(megabytes < BoundMegabytes, $"The silo's memory was up to {megabytes} MB {when}; the bound is {BoundMegabytes} MB.");
    }
}
