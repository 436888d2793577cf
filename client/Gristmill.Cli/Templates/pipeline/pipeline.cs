using Gristmill;
using Gristmill.Engines;

// dotnet run                     runs in this process: set breakpoints, step through your own stages
// mill run pipeline.cs           ships the same program to a server
// dotnet run -- explain          shows the stages; also compile, submit, --param, --help
return await Mill.RunAsync(MillName.Pipeline, args);

/// <summary>Which parcels will be late? Replace the data, the query and the stages by yours.</summary>
public static class MillName
{
    public static Pipeline Pipeline { get; } = Pipeline.Create("MILL_NAME", p =>
    {
        var path = p.Parameter("path", "data/parcels.csv");
        var atLeast = p.Parameter("at-least", 0.6);

        var raw = p.Read.Csv(path);
        var rows = p.Sql($"select shipped, carrier, distance, late = 1 as late from {raw} where distance is not null");

        // What a person would look at first, by a method of your own.
        p.Run(Describe, rows);

        // Trained on the past, measured on what came after it.
        var (train, test) = p.Split(rows).ByTime("shipped", new DateOnly(2025, 5, 1));
        var trees = p.Train.LightGbm(train, label: "late", exclude: ["shipped"], iterations: 30);
        var quality = p.Evaluate(trees, over: test).Named("quality");
        p.Register("MILL_NAME", trees, when: quality["auc"] > atLeast);
    }, "Which parcels will be late?");

    /// <summary>A stage: a static method that takes tables, models and values, and returns a table, a model or numbers.</summary>
    public static Description Describe(Dataset rows)
    {
        double late = 0;
        foreach (Apache.Arrow.BooleanArray column in rows.Column("late"))
        {
            for (var i = 0; i < column.Length; i++)
            {
                late += column.GetValue(i) == true ? 1 : 0;
            }
        }

        return new Description(rows.Rows, late / rows.Rows);
    }
}

/// <summary>Its properties become metrics of the run.</summary>
public sealed record Description(double Rows, double ShareLate);
