using Apache.Arrow;
using Apache.Arrow.Ipc;
using static Gristmill.Engines.Tables;

namespace Gristmill.Engines;

public sealed class ReadArrowStageTests
{
    private static readonly RecordBatch Data = Of(("x", Doubles(1, null)), ("o", Strings("a", null)));

    [Fact]
    public async Task Arrow_files_are_read()
    {
        using var stores = new TestStores();
        await using (var file = File.Create(Path.Combine(stores.Root, "data.arrow")))
        {
            using var writer = new ArrowFileWriter(file, Data.Schema);
            await writer.WriteRecordBatchAsync(Data);
            await writer.WriteEndAsync();
        }

        var outputs = await stores.RunAsync(StageOperations.ArrowRead, """{"path":"data.arrow"}""");
        Assert.Equal(2, outputs.Artifacts["out"].Dataset!.Rows);
    }

    [Fact]
    public async Task Missing_files_and_other_formats_are_refused()
    {
        using var stores = new TestStores();
        File.WriteAllText(Path.Combine(stores.Root, "data.csv"), "a,b\n1,2\n");
        Assert.Equal(ErrorCodes.FileNotFound, (await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.ArrowRead, """{"path":"nope.arrow"}"""))).Code);
        Assert.Equal(ErrorCodes.FileNotFound, (await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.ArrowRead, """{"path":"."}"""))).Code);
        Assert.Equal(ErrorCodes.FileFormat, (await Assert.ThrowsAsync<GristmillException>(() => stores.RunAsync(StageOperations.ArrowRead, """{"path":"data.csv"}"""))).Code);
    }
}
