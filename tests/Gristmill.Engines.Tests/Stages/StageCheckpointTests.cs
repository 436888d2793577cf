namespace Gristmill.Engines.Stages;

public sealed class StageCheckpointTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gm-checkpoint-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private StageCheckpoint Of(long epoch, string stage = "train", long max = 1000) =>
        new(_root, new StageRequest { RunId = "r", Stage = stage, Attempt = (int)epoch, Epoch = epoch, Operation = StageOperations.NoOp }, max);

    [Fact]
    public async Task The_next_attempt_finds_what_was_saved_last()
    {
        Assert.Null(await Of(1).TryLoadAsync(Stop));
        var first = Of(1);
        await first.SaveAsync("one"u8.ToArray(), Stop);
        await first.SaveAsync("two"u8.ToArray(), Stop);
        Assert.Equal("two"u8.ToArray(), await Of(2).TryLoadAsync(Stop));
        Assert.Null(await Of(2, "other").TryLoadAsync(Stop));
        Assert.Single(Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_an_older_attempt_still_saves_is_not_taken_for_the_newest()
    {
        var (lost, next) = (Of(1), Of(2));
        await next.SaveJsonAsync(new Progress(5), Stop);
        await lost.SaveJsonAsync(new Progress(99), Stop);
        Assert.Equal(5, (await Of(3).TryLoadJsonAsync<Progress>(Stop))!.Epoch);
    }

    [Fact]
    public async Task Files_are_copied()
    {
        var path = Path.Combine(_root, "weights");
        await File.WriteAllTextAsync(path, "weights", Stop);
        await Of(1).SaveFileAsync(path, Stop);
        File.Delete(path);
        Assert.Equal("weights", await File.ReadAllTextAsync(Of(2).TryGetFile()!, Stop));
    }

    [Fact]
    public async Task What_is_too_large_is_refused_and_what_was_saved_stays()
    {
        var checkpoint = Of(1);
        await checkpoint.SaveAsync("small"u8.ToArray(), Stop);
        Assert.Equal(ErrorCodes.CheckpointTooLarge, (await Assert.ThrowsAsync<GristmillException>(() => checkpoint.SaveAsync(new byte[1001], Stop))).Code);
        Assert.Equal("small"u8.ToArray(), await checkpoint.TryLoadAsync(Stop));
    }

    [Fact]
    public async Task A_save_that_is_cut_off_leaves_the_one_before()
    {
        var checkpoint = Of(1);
        await checkpoint.SaveAsync("whole"u8.ToArray(), Stop);
        await File.WriteAllTextAsync(Path.ChangeExtension(checkpoint.TryGetFile()!, null) + "x.unfinished", "ha", Stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => checkpoint.SaveAsync("half"u8.ToArray(), new CancellationToken(true)));
        Assert.Equal("whole"u8.ToArray(), await Of(2).TryLoadAsync(Stop));
    }

    [Fact]
    public async Task It_is_removed_with_all_that_belongs_to_it()
    {
        await Of(1).SaveAsync("x"u8.ToArray(), Stop);
        StageCheckpoint.Remove(_root, new StageOrigin("r", "train"));
        StageCheckpoint.Remove(_root, new StageOrigin("r", "train"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_root));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private sealed record Progress(int Epoch);
}
