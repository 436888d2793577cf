using Gristmill;
using Gristmill.Engines;

var pipeline = Pipeline.Create("packaged", p =>
{
    var count = p.Parameter("rows", 10_000);
    var rows = p.Sql($"select range as n, range % 7 = 0 as late from range({1_000_000}) where range < {count}");
    var trees = p.Train.LightGbm(rows, label: "late", iterations: 5);
    p.Run(Count, rows);
    p.Register("packaged", trees);
});

return await Mill.RunAsync(pipeline, args);

static double Count(Dataset rows) => rows.Rows;
