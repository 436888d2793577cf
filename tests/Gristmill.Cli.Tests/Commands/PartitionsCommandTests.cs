namespace Gristmill.Cli.Commands;

/// <summary><c>mill partitions</c>, against a server that answers what a test says.</summary>
public sealed class PartitionsCommandTests : ServedCommandTests
{
    private static readonly PartitionDimension Airports = new() { Name = "airport", Kind = PartitionKind.Static, Keys = ["ORD", "ATL"] };

    private static PartitionDimension Time(string name, PartitionKind kind) => new() { Name = name, Kind = kind, From = new DateOnly(2001, 1, 1) };

    /// <summary>Answers with a page of these partitions, of which every other is ready.</summary>
    private void Page(PartitionDimension[] dimensions, params string[] keys) => Answer("/api/v1/pipelines/p/partitions*", new PartitionPage
    {
        Spec = new PartitionSpec { Dimensions = [.. dimensions] },
        Items = [.. keys.Select((key, i) => new PartitionView { Key = key, Status = i % 2 == 0 ? PartitionStatus.Ready : PartitionStatus.Missing })],
    });

    private async Task<string[]> LinesAsync(int? terminal = null, params string[] args) =>
        [.. (await RunAsync(0, terminal, ["partitions", "p", .. args])).Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];

    [Fact]
    public async Task Two_dimensions_are_a_grid_in_the_order_of_their_keys()
    {
        Page([Airports, Time("month", PartitionKind.Month)], "ORD/2001-01", "ORD/2001-02", "ATL/2001-01", "ATL/2001-02");
        Assert.Equal(["airport 2001-01 2001-02", "ORD ready missing", "ATL ready missing"], (await LinesAsync())[..3]);

        Page([Time("month", PartitionKind.Month), Airports], "2001-01/ORD", "2001-01/ATL", "2001-02/ORD");
        Assert.Equal(["month ORD ATL", "2001-01 ready missing", "2001-02 ready"], (await LinesAsync())[..3]);

        // A page that begins in the middle of a row, of listed keys and of times.
        Page([Time("month", PartitionKind.Month), Airports], "2001-01/ATL", "2001-02/ORD", "2001-02/ATL");
        Assert.Equal(["month ORD ATL", "2001-01 ready", "2001-02 missing ready"], (await LinesAsync())[..3]);
        Page([Time("week", PartitionKind.Week), Time("day", PartitionKind.Day)], "2001-W01/2001-01-03", "2001-W02/2001-01-01", "2001-W02/2001-01-02", "2001-W02/2001-01-03");
        Assert.Equal(["week 2001-01-01 2001-01-02 2001-01-03", "2001-W01 ready", "2001-W02 missing ready missing"], (await LinesAsync())[..3]);
        var lines = (await RunAsync(0, "partitions", "p")).Split('\n');
        Assert.Equal(lines[0].IndexOf("2001-01-03", StringComparison.Ordinal), lines[1].IndexOf("ready", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_grid_that_a_terminal_has_no_room_for_is_a_list()
    {
        var days = Enumerable.Range(1, 9).Select(day => $"ORD/2001-01-0{day}").ToArray();
        Page([Airports, Time("day", PartitionKind.Day)], days);

        Assert.StartsWith("airport 2001-01-01 2001-01-02", (await LinesAsync())[0], StringComparison.Ordinal);
        Assert.Contains(await LinesAsync(terminal: 130), line => line.Contains("2001-01-08 │ 2001-01-09", StringComparison.Ordinal));
        var narrow = await LinesAsync(terminal: 100);
        Assert.Contains(narrow, line => line.Contains("airport/day │ status", StringComparison.Ordinal));
        Assert.Equal(days, narrow.SelectMany(line => days.Where(day => line.Contains(day, StringComparison.Ordinal))));
    }

    [Fact]
    public async Task Ranges_in_both_dimensions_and_a_key_to_go_on_after_are_sent_whole()
    {
        Page([Airports, Time("month", PartitionKind.Month)], "ORD/2001-01");

        await RunAsync(0, "partitions", "p", "--range", "*/2001-01..2001-06", "--after", "ORD/2001-02");

        Assert.Equal("GET /api/v1/pipelines/p/partitions?limit=200&range=%2A%2F2001-01..2001-06&after=ORD%2F2001-02", Asked[^1]);
    }
}
