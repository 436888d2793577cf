namespace Gristmill.Engines.Sql.Tests.Reading;

public sealed class ReadOperationTests
{
    [Theory]
    [InlineData("a.parquet", "")]
    [InlineData("a.csv", "(header)")]
    [InlineData("a.tsv", "(format csv, header, delimiter '\t')")]
    [InlineData("a.csv.gz", "(format csv, header, compression gzip)")]
    [InlineData("a.json", "(format json, array true)")]
    [InlineData("a.jsonl", "(format json)")]
    [InlineData("a.ndjson.zst", "(format json, compression zstd)")]
    public async Task Every_format_is_read(string name, string options)
    {
        using var fixture = new EngineFixture();
        EngineFixture.Duck($"copy (select i, i / 4 as x, 'name ' || i as name from range(3000) r(i)) to '{fixture.File(name)}' {options}");
        var rows = await fixture.ReadAsync(new { path = name });
        Assert.Equal("3000,4498500,name 0", await fixture.ScalarAsync(rows, "count(*) || ',' || sum(i) || ',' || min(name)"));
    }

    [Fact]
    public async Task What_files_hold_is_described_while_they_are_read_and_what_queries_make_of_it_is_not()
    {
        using var fixture = new EngineFixture();
        EngineFixture.Duck($"copy (select nullif(i, 7) as i, (i % 3)::varchar as t from range(300000) r(i)) to '{fixture.File("a.parquet")}'");
        var rows = await fixture.ReadAsync(new { path = "a.parquet" });
        using var lease = fixture.Store.Get(rows);
        var columns = lease.Statistics!.Columns;
        Assert.Equal(("0", "299999", 1L), (columns[0].Min, columns[0].Max, columns[0].Nulls));
        Assert.Equal(("0", "2", 3L), (columns[1].Min, columns[1].Max, columns[1].Distinct));
        using var made = fixture.Store.Get(await fixture.QueryAsync("select * from t", null, ("t", rows)));
        Assert.Null(made.Statistics);
    }

    [Fact]
    public async Task Columns_come_in_the_order_asked_for()
    {
        using var fixture = new EngineFixture();
        EngineFixture.Duck($"copy (select 1 as a, 2 as b, 3 as \"we\"\"ird c\") to '{fixture.File("a.parquet")}'");
        var rows = await fixture.ReadAsync(new { path = "a.parquet", columns = new[] { "we\"ird c", "a" } });
        using var lease = fixture.Store.Get(rows);
        Assert.Equal(["we\"ird c", "a"], lease.Schema.FieldsList.Select(field => field.Name));
    }

    [Fact]
    public async Task Lists_and_patterns_read_several_files_in_order()
    {
        using var fixture = new EngineFixture();
        foreach (var part in new[] { 0, 1, 2 })
        {
            EngineFixture.Duck($"copy (select {part} * 1000 + i as i from range(1000) r(i)) to '{fixture.File($"part{part}.parquet")}'");
        }

        Assert.Equal(3000, (await fixture.ReadAsync(new { path = "part*.parquet" })).Rows);
        Assert.Equal(2000, (await fixture.ReadAsync(new { path = new[] { fixture.File("part0.parquet"), "part2.parquet" } })).Rows);
        var all = await fixture.ReadAsync(new { path = "part?.parquet" });
        Assert.Equal("0", await fixture.ScalarAsync("select count(*)::varchar as c from (select i, row_number() over () - 1 as n from t) where i <> n", all));
    }

    [Theory]
    [InlineData("it's; drop table x; --.csv")]
    [InlineData("'); select 1; --.csv")]
    [InlineData("a[1]*?.csv")]
    [InlineData("with \"quotes\" and $dollar.csv")]
    public async Task A_file_may_have_any_name(string name)
    {
        using var fixture = new EngineFixture();
        await File.WriteAllTextAsync(fixture.File(name), "i\n1\n2\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(fixture.File("a1x.csv"), "i\n9\n", TestContext.Current.CancellationToken);
        Assert.Equal("3", await fixture.ScalarAsync(await fixture.ReadAsync(new { path = name }), "sum(i)"));
    }

    [Theory]
    [InlineData("nowhere.parquet")]
    [InlineData("/nowhere/at/all.csv")]
    [InlineData("no*.parquet")]
    [InlineData("x'; copy (select 1) to 'out.csv'; --.parquet")]
    [InlineData("https://example.org/a.parquet")]
    public async Task A_missing_file_is_named(string path)
    {
        using var fixture = new EngineFixture();
        var error = await fixture.FailAsync(StageOperations.SqlRead, new { path });
        Assert.Equal(ErrorCodes.FileNotFound, error.Code);
        Assert.Contains(Path.GetFileName(path), error.Message);
        Assert.Contains(Path.GetFileName(path), error.Error.Details["file"]);
        Assert.Empty(Directory.GetFiles(fixture.Folder));
    }

    [Fact]
    public async Task A_folder_is_not_a_file()
    {
        using var fixture = new EngineFixture();
        var error = await fixture.FailAsync(StageOperations.SqlRead, new { path = fixture.Folder, format = "csv" });
        Assert.Equal(ErrorCodes.FileNotFound, error.Code);
        Assert.Contains("folder", error.Message);
    }

    [Theory]
    [InlineData("a.parquet", "this is no parquet file at all", "Parquet")]
    [InlineData("a.json", "{\"a\": 1} {\"a\": ]", "JSON")]
    [InlineData("empty.parquet", "", "parquet")]
    public async Task A_file_that_is_not_of_its_format_is_refused_with_the_reason(string name, string content, string reason)
    {
        using var fixture = new EngineFixture();
        await File.WriteAllTextAsync(fixture.File(name), content, TestContext.Current.CancellationToken);
        var error = await fixture.FailAsync(StageOperations.SqlRead, new { path = name });
        Assert.Equal(ErrorCodes.FileFormat, error.Code);
        Assert.Contains(name, error.Message);
        Assert.Contains(reason, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(fixture.Store.List());
    }

    [Fact]
    public async Task A_csv_that_breaks_later_is_refused_with_the_line()
    {
        using var fixture = new EngineFixture();
        await File.WriteAllLinesAsync(fixture.File("a.csv"), ["i,j", .. Enumerable.Range(0, 60_000).Select(i => $"{i},{i}"), "oops,1"], TestContext.Current.CancellationToken);
        var error = await fixture.FailAsync(StageOperations.SqlRead, new { path = "a.csv" });
        Assert.Equal(ErrorCodes.FileFormat, error.Code);
        Assert.Contains("60002", error.Message);
        Assert.Empty(fixture.Store.List());
    }

    /// <summary>Line 3 has too few fields, 4 too many, 6 is not UTF-8, and 60,007 is no number in a column that was taken for numbers.</summary>
    private static async Task WriteRaggedAsync(string path)
    {
        await using var file = File.Create(path);
        await file.WriteAsync("i,j\n1,2\n3\n4,5,6,7\n8,9\n"u8.ToArray());
        await file.WriteAsync(new byte[] { (byte)'1', 0xff, 0xfe, (byte)',', (byte)'2', (byte)'\n' });
        await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 60_000).Select(static i => $"{i},{i}\n")) + "oops,1\n5,6\n"));
    }

    [Fact]
    public async Task A_row_that_cannot_be_read_fails_the_stage_with_file_line_and_reason()
    {
        using var fixture = new EngineFixture();
        await WriteRaggedAsync(fixture.File("a.csv"));
        var error = await fixture.FailAsync(StageOperations.SqlRead, new { path = "a.csv" });

        Assert.Equal(ErrorCodes.FileFormat, error.Code);
        Assert.StartsWith($"'{fixture.File("a.csv")}', line ", error.Message, StringComparison.Ordinal);
        Assert.Contains(error.Error.Details["line"], new[] { "3", "4", "6", "60007" });
        Assert.NotEmpty(error.Error.Details["reason"]);
        Assert.Equal(fixture.File("a.csv"), error.Error.Details["file"]);
        Assert.Empty(fixture.Store.List());
    }

    [Theory]
    [InlineData("skip")]
    [InlineData("quarantine")]
    public async Task Rows_that_cannot_be_read_are_left_out_and_counted(string onError)
    {
        using var fixture = new EngineFixture();
        await WriteRaggedAsync(fixture.File("a.csv"));
        await File.WriteAllTextAsync(fixture.File("b.csv"), "i,j\n7,7\n7\n", TestContext.Current.CancellationToken);
        var outputs = (await fixture.RunAsync(StageOperations.SqlRead, new { path = "?.csv", onError })).Artifacts;

        Assert.Equal(60_004, outputs["out"].Dataset!.Rows);
        Assert.Equal((60_004, 5), (outputs["metrics"].Metrics!["rows"], outputs["metrics"].Metrics!["badRows"]));
        Assert.Equal(onError == "quarantine", outputs.ContainsKey("bad"));
        if (onError == "quarantine")
        {
            var bad = outputs["bad"].Dataset!;
            Assert.Equal(
                "a:3:Expected Number of Columns: 2 Found: 1,a:4:Expected Number of Columns: 2 Found: 3; Expected Number of Columns: 2 Found: 4,a:6:Could not convert,a:60007:Could not convert,b:3:Expected Number of Columns: 2 Found: 1",
                await fixture.ScalarAsync(bad, """string_agg(regexp_extract(file, '(.)\.csv$', 1) || ':' || line || ':' || regexp_extract(reason, '(Could not convert|Expected .*)', 1), ',' order by file, line)"""));
            Assert.Equal("3", await fixture.ScalarAsync(bad, "(select text from t where line = 3 order by file limit 1)"));
        }
        else
        {
            Assert.Single(fixture.Store.List());
        }
    }

    [Fact]
    public async Task Text_that_is_not_utf8_is_set_apart_as_text_that_is()
    {
        using var fixture = new EngineFixture();
        await File.WriteAllBytesAsync(fixture.File("a.csv"), [.. "i,t\n1,x\n2,"u8, 0xff, 0xfe, .. "\n3,z\n"u8], TestContext.Current.CancellationToken);
        var outputs = (await fixture.RunAsync(StageOperations.SqlRead, new { path = "a.csv", onError = "quarantine" })).Artifacts;

        Assert.Equal(2, outputs["out"].Dataset!.Rows);
        Assert.Equal("3:t:true:2,??", await fixture.ScalarAsync(outputs["bad"].Dataset!, """line || ':' || "column" || ':' || contains(reason, 'unicode') || ':' || text"""));
    }

    [Theory]
    [InlineData("skip")]
    [InlineData("quarantine")]
    public async Task A_file_without_bad_rows_has_none(string onError)
    {
        using var fixture = new EngineFixture();
        await File.WriteAllTextAsync(fixture.File("a.csv"), "i,j\n1,2\n", TestContext.Current.CancellationToken);
        var outputs = (await fixture.RunAsync(StageOperations.SqlRead, new { path = "a.csv", onError, columns = new[] { "j" } })).Artifacts;

        Assert.Equal((1, 0), (outputs["metrics"].Metrics!["rows"], outputs["metrics"].Metrics!["badRows"]));
        Assert.Equal(onError == "quarantine" ? 0 : null, outputs.GetValueOrDefault("bad")?.Dataset!.Rows);
    }

    [Fact]
    public async Task A_parquet_that_is_cut_short_is_refused()
    {
        using var fixture = new EngineFixture();
        EngineFixture.Duck($"copy (select i from range(100000) r(i)) to '{fixture.File("a.parquet")}'");
        var bytes = await File.ReadAllBytesAsync(fixture.File("a.parquet"), TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(fixture.File("a.parquet"), bytes[..(bytes.Length / 2)], TestContext.Current.CancellationToken);
        Assert.Equal(ErrorCodes.FileFormat, (await fixture.FailAsync(StageOperations.SqlRead, new { path = "a.parquet" })).Code);
    }

    [Fact]
    public async Task Files_whose_schemas_differ_are_refused_and_the_odd_one_is_named()
    {
        using var fixture = new EngineFixture();
        EngineFixture.Duck($"copy (select 1 as i, 2 as j) to '{fixture.File("p1.parquet")}'");
        EngineFixture.Duck($"copy (select 1 as i, 'x' as k) to '{fixture.File("p2.parquet")}'");
        var error = await fixture.FailAsync(StageOperations.SqlRead, new { path = "p*.parquet" });
        Assert.Equal(ErrorCodes.FileFormat, error.Code);
        Assert.Contains("p2.parquet", error.Message);
        Assert.Contains("\"j\"", error.Message);
        Assert.Empty(fixture.Store.List());
    }

    [Fact]
    public async Task Of_many_files_the_one_that_cannot_be_read_is_named()
    {
        using var fixture = new EngineFixture();
        foreach (var part in new[] { 1, 2, 3 })
        {
            EngineFixture.Duck($"copy (select i from range(10000) r(i)) to '{fixture.File($"q{part}.parquet")}'");
        }

        await File.WriteAllTextAsync(fixture.File("q2.parquet"), "not at all", TestContext.Current.CancellationToken);
        var error = await fixture.FailAsync(StageOperations.SqlRead, new { path = "q*.parquet" });
        Assert.Equal(ErrorCodes.FileFormat, error.Code);
        Assert.Contains("q2.parquet", error.Message);
        Assert.Empty(fixture.Store.List());
    }

    [Fact]
    public async Task An_unknown_column_is_told_with_those_there_are()
    {
        using var fixture = new EngineFixture();
        EngineFixture.Duck($"copy (select 1 as delay, 2 as distance) to '{fixture.File("a.parquet")}'");
        var error = await fixture.FailAsync(StageOperations.SqlRead, new { path = "a.parquet", columns = new[] { "delay", "dist" } });
        Assert.Equal(ErrorCodes.UnknownColumn, error.Code);
        Assert.Contains("'dist'", error.Message);
        Assert.Equal("delay, distance", error.Error.Details["columns"]);
    }

    [Theory]
    [InlineData("""{"path":"a.xlsx"}""", ErrorCodes.Invalid)]
    [InlineData("""{"path":"a.csv","format":"excel"}""", ErrorCodes.Invalid)]
    [InlineData("""{"path":"a.csv","onError":"ignore"}""", ErrorCodes.Invalid)]
    [InlineData("""{"path":"a.csv","format":"json","onError":"skip"}""", ErrorCodes.Invalid)]
    [InlineData("""{"path":7}""", ErrorCodes.Invalid)]
    [InlineData("""{"path":[]}""", ErrorCodes.Invalid)]
    [InlineData("""{"path":""}""", ErrorCodes.Invalid)]
    [InlineData("{}", ErrorCodes.Invalid)]
    public async Task Options_that_do_not_fit_are_refused(string options, string code)
    {
        using var fixture = new EngineFixture();
        await File.WriteAllTextAsync(fixture.File("a.csv"), "i\n1\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(fixture.File("a.xlsx"), "i\n1\n", TestContext.Current.CancellationToken);
        Assert.Equal(code, (await fixture.FailAsync(StageOperations.SqlRead, options)).Code);
    }
}
