using System.Globalization;

namespace Gristmill.Testing;

/// <summary>What became of one stage of a run.</summary>
public sealed class TestStage
{
    private readonly TestCluster _cluster;

    internal TestStage(TestCluster cluster, StageView view)
    {
        _cluster = cluster;
        View = view;
    }

    /// <summary>All there is to know.</summary>
    public StageView View { get; }

    /// <summary>Its name.</summary>
    public string Name => View.Name;

    /// <summary>How it ended.</summary>
    public StageStatus Status => View.Status;

    /// <summary>Attempts it took.</summary>
    public int Attempts => View.Attempts;

    /// <summary>Why it failed, or null.</summary>
    public ErrorInfo? Error => View.Error;

    /// <summary>Why it was skipped, or null.</summary>
    public string? Reason => View.Reason;

    /// <summary>The numbers it measured, of all its outputs.</summary>
    public IReadOnlyDictionary<string, double> Metrics => View.Outputs.OrderBy(o => o.Key, StringComparer.Ordinal)
        .SelectMany(o => o.Value.Metrics ?? []).GroupBy(m => m.Key, StringComparer.Ordinal)
        .ToDictionary(m => m.Key, m => m.First().Value, StringComparer.Ordinal);

    /// <summary>The number that a stage of one's own code returned.</summary>
    /// <exception cref="KeyNotFoundException">It returned something else.</exception>
    public double Value => Metrics.TryGetValue("value", out var value)
        ? value
        : throw new KeyNotFoundException($"Stage '{Name}' has no single number; its metrics are: {string.Join(", ", Metrics.Keys.DefaultIfEmpty("none"))}.");

    /// <summary>The table it made.</summary>
    /// <param name="output">The output's name.</param>
    /// <exception cref="KeyNotFoundException">There is no such table; the message names its outputs.</exception>
    public ObjectRef Table(string output = "out") => Output(output).Dataset ?? throw Missing(output, "table");

    /// <summary>The model it made.</summary>
    /// <param name="output">The output's name.</param>
    /// <exception cref="KeyNotFoundException">There is no such model; the message names its outputs.</exception>
    public ModelRef Model(string output = "out") => Output(output).Model ?? throw Missing(output, "model");

    /// <summary>The rows of a table it made.</summary>
    /// <param name="output">The output's name.</param>
    public IReadOnlyList<TestRow> Rows(string output = "out") => _cluster.Rows(Table(output));

    /// <summary>The rows of a table it made, as objects: columns become properties as JSON would read them.</summary>
    /// <param name="output">The output's name.</param>
    public IReadOnlyList<T> Rows<T>(string output = "out") => RowReader.As<T>(Rows(output));

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}: {Status}, attempts {Attempts}{(Error is { } error ? $", {error.Code}: {error.Message}" : "")}{(Reason is { } reason ? $", {reason}" : "")}");

    private Artifact Output(string output) => View.Outputs.TryGetValue(output, out var artifact) ? artifact : throw Missing(output, "output");

    private KeyNotFoundException Missing(string output, string what) =>
        new($"Stage '{Name}' ({Status}) has no {what} '{output}'; it has {string.Join(", ", View.Outputs.Select(o => $"{o.Key} ({o.Value.Kind})").DefaultIfEmpty("none"))}.");
}
