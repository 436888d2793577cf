using System.Diagnostics;
using Gristmill.Storage.Conformance;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Gristmill.Storage.Sqlite.Grains;

public sealed class SqliteGrainStorageTests : GrainStorageConformance, IDisposable
{
    private readonly TempDatabase _temp = new();
    private readonly SqliteGrainStorage _storage;
    private readonly SqliteGrainStorage _other;

    public SqliteGrainStorageTests() => (_storage, _other) = (New("test"), New("test"));

    protected override IOrderedGrainStorage Storage => _storage;

    protected override IOrderedGrainStorage OtherStorage => _other;

    public void Dispose()
    {
        _storage.Dispose();
        _other.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task Storages_of_different_names_are_kept_apart()
    {
        using var another = New("another");
        var grain = GrainId.Create("t", "k");
        await _storage.WriteStateAsync("s", grain, Kilobyte(1));

        var state = new GrainState<ConformanceState>();
        await another.ReadStateAsync("s", grain, state);

        Assert.False(state.RecordExists);
    }

    [Fact]
    public async Task State_survives_closing_and_opening_the_file()
    {
        var grain = GrainId.Create("t", "k");
        await _storage.WriteStateAsync("s", grain, Kilobyte(5));
        _storage.Dispose();
        _other.Dispose();

        using var again = New("test");
        var state = new GrainState<ConformanceState>();
        await again.ReadStateAsync("s", grain, state);

        Assert.Equal(5, state.State!.Number);
    }

    [Fact]
    public async Task Fifty_writers_share_commits()
    {
        const int writers = 50, each = 100;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            var grain = GrainId.Create("t", $"writer-{w}");
            var state = Kilobyte(0);
            for (var i = 0; i < each; i++)
            {
                state.State!.Number = i;
                await _storage.WriteStateAsync("s", grain, state);
            }
        })));
        watch.Stop();

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{writers * each / watch.Elapsed.TotalSeconds:N0} writes of 1 KB a second, {writers} at once, flushed");
        var read = new GrainState<ConformanceState>();
        await _other.ReadStateAsync("s", GrainId.Create("t", "writer-7"), read);
        Assert.Equal(each - 1, read.State!.Number);
    }

    private SqliteGrainStorage New(string name) => new(
        name,
        new SqliteGrainStorageOptions
        {
            Path = _temp.File,
            GrainStorageSerializer = new OrleansGrainStorageSerializer(SerializerServices.GetRequiredService<Serializer>()),
        },
        SerializerServices.GetRequiredService<IActivatorProvider>());

    private static GrainState<ConformanceState> Kilobyte(int number) =>
        new() { State = new ConformanceState { Number = number, Text = new string('x', 1000) } };
}
