using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Storage;

namespace Gristmill.Storage.Conformance;

/// <summary>
/// What every grain storage must do. To hold a provider to it: derive a test class, give it the storage under test and
/// a second instance over the same data (another silo's), and xUnit finds these tests there.
/// </summary>
public abstract class GrainStorageConformance
{
    /// <summary>The storage under test.</summary>
    protected abstract IOrderedGrainStorage Storage { get; }

    /// <summary>A second instance over the same data, as another silo would have.</summary>
    protected abstract IOrderedGrainStorage OtherStorage { get; }

    /// <summary>Services with Orleans' serializer, for providers that need it to be made.</summary>
    protected static IServiceProvider SerializerServices { get; } = new ServiceCollection().AddSerializer().BuildServiceProvider();

    [Fact]
    public async Task A_state_that_was_never_written_does_not_exist()
    {
        var state = await Read(Storage, NewGrain());

        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
        Assert.NotNull(state.State);
        Assert.Equal(0, state.State!.Number);
    }

    [Fact]
    public async Task What_was_written_is_read_back_by_every_silo()
    {
        var grain = NewGrain();
        var state = New(42, "forty-two");
        await Storage.WriteStateAsync("s", grain, state);

        Assert.True(state.RecordExists);
        Assert.False(string.IsNullOrEmpty(state.ETag));
        foreach (var storage in new[] { Storage, OtherStorage })
        {
            var read = await Read(storage, grain);
            Assert.True(read.RecordExists);
            Assert.Equal(state.ETag, read.ETag);
            Assert.Equal(42, read.State!.Number);
            Assert.Equal("forty-two", read.State!.Text);
        }
    }

    [Fact]
    public async Task Every_write_changes_the_etag()
    {
        var grain = NewGrain();
        var state = New(1);
        var tags = new HashSet<string>();
        for (var i = 0; i < 5; i++)
        {
            state.State!.Number = i;
            await Storage.WriteStateAsync("s", grain, state);
            Assert.True(tags.Add(state.ETag!));
        }

        Assert.Equal(4, (await Read(Storage, grain)).State!.Number);
    }

    [Fact]
    public async Task A_write_with_an_old_etag_is_refused_and_changes_nothing()
    {
        var grain = NewGrain();
        var state = New(1);
        await Storage.WriteStateAsync("s", grain, state);
        var late = await Read(OtherStorage, grain);
        state.State!.Number = 2;
        await Storage.WriteStateAsync("s", grain, state);

        late.State!.Number = 99;
        var heldTag = late.ETag;
        await Assert.ThrowsAsync<InconsistentStateException>(() => OtherStorage.WriteStateAsync("s", grain, late));

        Assert.Equal(heldTag, late.ETag);
        Assert.Equal(2, (await Read(Storage, grain)).State!.Number);
        state.State!.Number = 3;
        await Storage.WriteStateAsync("s", grain, state);
    }

    [Fact]
    public async Task Of_two_first_writes_one_is_refused()
    {
        var grain = NewGrain();
        await Storage.WriteStateAsync("s", grain, New(1));

        await Assert.ThrowsAsync<InconsistentStateException>(() => OtherStorage.WriteStateAsync("s", grain, New(2)));

        Assert.Equal(1, (await Read(Storage, grain)).State!.Number);
    }

    [Fact]
    public async Task Of_many_concurrent_writes_with_one_etag_exactly_one_wins()
    {
        var grain = NewGrain();
        var first = New(0);
        await Storage.WriteStateAsync("s", grain, first);

        var outcomes = await Task.WhenAll(Enumerable.Range(1, 32).Select(async i =>
        {
            var mine = New(i);
            mine.ETag = first.ETag;
            try
            {
                await (i % 2 == 0 ? Storage : OtherStorage).WriteStateAsync("s", grain, mine);
                return i;
            }
            catch (InconsistentStateException)
            {
                return 0;
            }
        }));

        var winner = Assert.Single(outcomes, static i => i != 0);
        Assert.Equal(winner, (await Read(Storage, grain)).State!.Number);
    }

    [Fact]
    public async Task A_cleared_state_is_gone_and_can_be_made_again()
    {
        var grain = NewGrain();
        var state = New(7);
        await Storage.WriteStateAsync("s", grain, state);

        await Storage.ClearStateAsync("s", grain, state);

        Assert.False(state.RecordExists);
        Assert.Equal(0, state.State!.Number);
        Assert.False((await Read(OtherStorage, grain)).RecordExists);
        state.State!.Number = 8;
        await Storage.WriteStateAsync("s", grain, state);
        Assert.Equal(8, (await Read(OtherStorage, grain)).State!.Number);
    }

    [Fact]
    public async Task Clearing_with_an_old_etag_is_refused()
    {
        var grain = NewGrain();
        var state = New(1);
        await Storage.WriteStateAsync("s", grain, state);
        var late = await Read(OtherStorage, grain);
        await Storage.WriteStateAsync("s", grain, state);

        await Assert.ThrowsAsync<InconsistentStateException>(() => OtherStorage.ClearStateAsync("s", grain, late));

        Assert.True((await Read(Storage, grain)).RecordExists);
    }

    [Fact]
    public async Task Clearing_what_does_not_exist_changes_nothing()
    {
        var grain = NewGrain();
        var state = await Read(Storage, grain);

        await Storage.ClearStateAsync("s", grain, state);

        Assert.False(state.RecordExists);
    }

    [Fact]
    public async Task An_etag_from_before_a_clear_does_not_match_the_state_made_after_it()
    {
        var grain = NewGrain();
        var state = New(1);
        await Storage.WriteStateAsync("s", grain, state);
        var late = await Read(OtherStorage, grain);
        await Storage.ClearStateAsync("s", grain, state);
        await Storage.WriteStateAsync("s", grain, state);

        await Assert.ThrowsAsync<InconsistentStateException>(() => OtherStorage.WriteStateAsync("s", grain, late));
    }

    [Fact]
    public async Task States_are_kept_apart_by_grain_and_by_name()
    {
        var (one, two) = (NewGrain(), NewGrain());
        await Storage.WriteStateAsync("a", one, New(1));
        await Storage.WriteStateAsync("b", one, New(2));
        await Storage.WriteStateAsync("a", two, New(3));

        Assert.Equal(1, (await Read(Storage, one, "a")).State!.Number);
        Assert.Equal(2, (await Read(Storage, one, "b")).State!.Number);
        Assert.Equal(3, (await Read(Storage, two, "a")).State!.Number);
        Assert.False((await Read(Storage, two, "b")).RecordExists);
    }

    [Fact]
    public async Task Keys_may_hold_any_text()
    {
        foreach (var key in new[] { "a/b", "a b'\"--;", "ümlaut-漢字-🌾", new string('k', 500), "%41+?#[]" })
        {
            var grain = GrainId.Create("conformance", key);
            await Storage.WriteStateAsync("s", grain, New(1, key));
            Assert.Equal(key, (await Read(OtherStorage, grain)).State!.Text);
        }
    }

    [Fact]
    public async Task A_large_state_is_read_back_whole()
    {
        var grain = NewGrain();
        var state = New(1, new string('x', 4 << 20));
        await Storage.WriteStateAsync("s", grain, state);

        Assert.Equal(state.State!.Text, (await Read(OtherStorage, grain)).State!.Text);
    }

    [Fact]
    public async Task Two_states_are_stored_together_whether_they_are_new_or_not()
    {
        var (one, two) = (NewGrain(), NewGrain());
        var (first, second) = (New(1), New(2));
        for (var i = 0; i < 3; i++)
        {
            (first.State!.Number, second.State!.Number) = (10 + i, 20 + i);
            await Storage.WriteStatesAsync("s", one, first, two, second);

            var (read, other) = (await Read(OtherStorage, one), await Read(OtherStorage, two));
            Assert.Equal((10 + i, 20 + i), (read.State!.Number, other.State!.Number));
            Assert.Equal((first.ETag, second.ETag), (read.ETag, other.ETag));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_state_is_not_stored_without_the_one_that_it_follows(bool isNew)
    {
        var (one, two) = (NewGrain(), NewGrain());
        var (first, second) = (New(1), New(2));
        await Storage.WriteStateAsync("s", one, first);
        if (!isNew)
        {
            await Storage.WriteStateAsync("s", two, second);
        }

        var late = await Read(OtherStorage, one);
        await Storage.WriteStateAsync("s", one, first);

        second.State!.Number = 99;
        var held = second.ETag;
        await Assert.ThrowsAsync<InconsistentStateException>(() => OtherStorage.WriteStatesAsync("s", one, late, two, second));

        Assert.Equal(held, second.ETag);
        var stored = await Read(Storage, two);
        Assert.Equal((!isNew, isNew ? 0 : 2), (stored.RecordExists, stored.State!.Number));
        Assert.Equal(first.ETag, (await Read(Storage, one)).ETag);
    }

    [Fact]
    public async Task A_chain_of_states_beside_others_ends_with_each_stored_once()
    {
        GrainId[] chain = [.. Enumerable.Range(0, 50).Select(static _ => NewGrain())];
        GrainState<ConformanceState>[] states = [.. chain.Select(static (_, i) => New(i))];
        var beside = Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? Storage : OtherStorage).WriteStateAsync("s", NewGrain(), New(i))).ToList();
        await Storage.WriteStateAsync("s", chain[0], states[0]);
        for (var i = 1; i < chain.Length; i++)
        {
            states[i - 1].State!.Text = "ended";
            await Storage.WriteStatesAsync("s", chain[i - 1], states[i - 1], chain[i], states[i]);
        }

        await Task.WhenAll(beside);
        for (var i = 0; i < chain.Length; i++)
        {
            var read = await Read(OtherStorage, chain[i]);
            Assert.Equal((i, i < chain.Length - 1 ? "ended" : ""), (read.State!.Number, read.State.Text));
        }
    }

    private static GrainId NewGrain() => GrainId.Create("conformance", Guid.NewGuid().ToString("N"));

    private static GrainState<ConformanceState> New(int number, string text = "") =>
        new() { State = new ConformanceState { Number = number, Text = text } };

    private static async Task<GrainState<ConformanceState>> Read(IGrainStorage storage, GrainId grain, string name = "s")
    {
        var state = new GrainState<ConformanceState>();
        await storage.ReadStateAsync(name, grain, state);
        return state;
    }
}
