using System.Diagnostics;
using Apache.Arrow;
using Apache.Arrow.Types;

namespace Gristmill.Objects;

public sealed class ObjectStreamTests : IDisposable
{
    private readonly TestStore _test = new(smallObjectBytes: 64 << 10);

    public static Schema Schema { get; } = new([new Field("x", Int64Type.Default, false)], null);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Folder => Path.Combine(_test.Directory, ".streams");

    public static RecordBatch Rows(int count, long first = 0) =>
        new(Schema, [new Int64Array.Builder().AppendRange(Enumerable.Range(0, count).Select(i => first + i)).Build()], count);

    public void Dispose() => _test.Dispose();

    [Fact]
    public async Task Readers_follow_part_by_part_and_what_all_have_read_is_deleted()
    {
        using var stream = _test.Store.CreateStream(Schema);
        using var reader = _test.Store.OpenStream(stream.Id);
        Assert.Equal("x", Assert.Single(reader.Schema.FieldsList).Name);
        var first = reader.ReadAsync(Token);
        Assert.False(first.IsCompleted);

        await stream.WriteAsync(Rows(2, 10), Token);
        using var lease = await first;
        Assert.Equal([10, 11], Values(lease!));
        await stream.WriteAsync(Rows(1, 12), Token);
        stream.Complete();
        using var second = await reader.ReadAsync(Token);
        Assert.Equal([12], Values(second!));
        Assert.False(_test.Store.Contains(lease!.Ref.Id)); // who asks for the next is done with it
        Assert.Equal([10, 11], Values(lease)); // and may still hold it
        Assert.True(_test.Store.Contains(second!.Ref.Id));
        Assert.Null(await reader.ReadAsync(Token));
        Assert.Null(await reader.ReadAsync(Token));
        await stream.DrainAsync(Token);
        Assert.False(_test.Store.Contains(second.Ref.Id));

        stream.Dispose();
        Assert.NotEmpty(Directory.GetFiles(Folder)); // it has a reader
        reader.Dispose();
        Assert.Empty(Directory.GetFiles(Folder));
    }

    [Fact]
    public async Task A_part_that_was_built_in_place_is_added_as_it_lies()
    {
        using var stream = _test.Store.CreateStream(Schema);
        using var reader = _test.Store.OpenStream(stream.Id);
        var part = ObjectStoreTests.Write(_test.Store, 10, 1);
        Assert.Equal(ErrorCodes.Invalid, (await Assert.ThrowsAsync<GristmillException>(() => stream.AddAsync(part, Token))).Code); // other columns
        using var writer = _test.Store.Create(Schema);
        writer.Append(Rows(3));
        var fitting = writer.Seal();
        await stream.AddAsync(fitting, Token);
        using var lease = await reader.ReadAsync(Token);
        Assert.Equal(fitting, lease!.Ref);
        _test.Store.Delete(part.Id);
        Assert.Equal(ErrorCodes.ObjectNotFound, (await Assert.ThrowsAsync<GristmillException>(() => stream.AddAsync(fitting with { Id = new string('0', 32) }, Token))).Code);
    }

    [Fact]
    public async Task The_writer_waits_for_the_slowest_reader_and_for_one_that_is_still_to_come()
    {
        using var stream = _test.Store.CreateStream(Schema, new ObjectStreamOptions { Readers = 2, MaxUnreadBytes = 1 });
        using var fast = _test.Store.OpenStream(stream.Id);
        await stream.WriteAsync(Rows(1), Token); // a single part may be larger
        using var second = new CancellationTokenSource();
        var write = stream.WriteAsync(Rows(1), second.Token);
        (await fast.ReadAsync(Token))!.Dispose();
        var next = fast.ReadAsync(Token);
        await Task.Delay(50, Token);
        Assert.False(write.IsCompleted);
        second.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        Assert.False(next.IsCompleted); // nothing was added
        Assert.Single(_test.Store.List()); // and nothing is left of it

        var again = stream.WriteAsync(Rows(1, 5), Token);
        using var slow = _test.Store.OpenStream(stream.Id);
        (await slow.ReadAsync(Token))!.Dispose();
        var after = slow.ReadAsync(Token); // done with the first
        await again;
        using var fifth = await next;
        using var same = await after;
        Assert.Equal([5], Values(fifth!));
        Assert.Equal([5], Values(same!));
        Assert.Equal(ErrorCodes.Conflict, Assert.Throws<GristmillException>(() => _test.Store.OpenStream(stream.Id)).Code);
    }

    [Fact]
    public async Task Who_leaves_is_not_waited_for_and_without_readers_nothing_is_written()
    {
        using var stream = _test.Store.CreateStream(Schema, new ObjectStreamOptions { Readers = 2, MaxUnreadBytes = 1 });
        using var stays = _test.Store.OpenStream(stream.Id);
        var leaves = _test.Store.OpenStream(stream.Id);
        await stream.WriteAsync(Rows(1), Token);
        (await stays.ReadAsync(Token))!.Dispose();
        var next = stays.ReadAsync(Token);
        leaves.Dispose();
        await stream.WriteAsync(Rows(1), Token);
        (await next)!.Dispose();
        stays.Dispose();
        Assert.Equal(ErrorCodes.Conflict, (await Assert.ThrowsAsync<GristmillException>(() => stream.WriteAsync(Rows(1), Token))).Code);
        Assert.Empty(_test.Store.List());
    }

    [Fact]
    public async Task Parts_that_are_kept_are_the_writers_and_it_waits_for_nobody_who_is_not_there()
    {
        using var stream = _test.Store.CreateStream(Schema, new ObjectStreamOptions { KeepParts = true, MaxUnreadBytes = 1 });
        await stream.WriteAsync(Rows(1, 1), Token);
        await stream.WriteAsync(Rows(1, 2), Token);
        using var reader = _test.Store.OpenStream(stream.Id);
        var third = stream.WriteAsync(Rows(1, 3), Token);
        Assert.False(third.IsCompleted); // now there is one
        var seen = new List<long>();
        var all = Task.Run(async () =>
        {
            await foreach (var lease in reader.ReadAllAsync(Token))
            {
                using (lease)
                {
                    seen.AddRange(Values(lease));
                }
            }
        }, Token);
        await third;
        stream.Complete();
        await all;
        Assert.Equal([1, 2, 3], seen);
        Assert.Equal(stream.Parts.Select(static part => part.Id).Order(), _test.Store.List().Select(static part => part.Id).Order());
    }

    [Fact]
    public async Task Readers_are_told_why_it_ended_before_its_end_after_what_there_was()
    {
        var error = new ErrorInfo(ErrorCodes.BadValue, "row 7 is odd", "Look at it.") { Details = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add("row", "7") };
        foreach (bool says in (bool[])[true, false])
        {
            var stream = _test.Store.CreateStream(Schema);
            using var reader = _test.Store.OpenStream(stream.Id);
            await stream.WriteAsync(Rows(1), Token);
            if (says)
            {
                stream.Fail(error);
                await Assert.ThrowsAsync<InvalidOperationException>(() => stream.WriteAsync(Rows(1), Token));
            }

            stream.Dispose();
            (await reader.ReadAsync(Token))!.Dispose();
            var told = (await Assert.ThrowsAsync<GristmillException>(() => reader.ReadAsync(Token))).Error;
            Assert.Equal(says ? ("row 7 is odd", "7") : ($"Stream {stream.Id} ends before its end: its writer gave it up.", null), (told.Message, told.Details.GetValueOrDefault("row")));
        }
    }

    [Fact]
    public async Task A_failure_of_any_size_is_told()
    {
        using var stream = _test.Store.CreateStream(Schema);
        using var reader = _test.Store.OpenStream(stream.Id);
        stream.Fail(new ErrorInfo(ErrorCodes.BadValue, new string('x', 1 << 20)));
        var told = await Assert.ThrowsAsync<GristmillException>(() => reader.ReadAsync(Token));
        Assert.Equal((ErrorCodes.BadValue, 1000), (told.Code, told.Message.Length));
    }

    [Fact]
    public async Task A_killed_writers_stream_ends_with_an_error_and_leaves_nothing()
    {
        using var process = ChildProcess.StartStreamWriter(_test.Directory);
        ObjectStreamReader reader;
        try
        {
            reader = _test.Store.OpenStream(Path.GetFileNameWithoutExtension(Directory.GetFiles(Folder, "*.stream").Single()));
            (await reader.ReadAsync(Token))!.Dispose();
            _test.Store.Sweep();
        }
        finally
        {
            Kill(process);
        }

        using (reader)
        {
            _test.Store.Sweep(); // it has a reader
            for (int rows = 2; rows <= 3; rows++)
            {
                using var lease = await reader.ReadAsync(Token);
                Assert.Equal(rows, lease!.Ref.Rows);
            }

            Assert.Equal(ErrorCodes.WorkerCrashed, (await Assert.ThrowsAsync<GristmillException>(() => reader.ReadAsync(Token))).Code);
        }

        Assert.Empty(Directory.GetFiles(Folder));
        Assert.Empty(_test.Store.List());
    }

    [Fact]
    public async Task The_next_reader_goes_on_where_a_killed_one_was()
    {
        using var stream = _test.Store.CreateStream(Schema);
        for (int part = 0; part < 3; part++)
        {
            await stream.WriteAsync(Rows(1, part), Token);
        }

        stream.Complete();
        using var process = ChildProcess.StartStreamReader(_test.Directory, stream.Id);
        try
        {
            Assert.Equal(ErrorCodes.Conflict, Assert.Throws<GristmillException>(() => _test.Store.OpenStream(stream.Id)).Code);
        }
        finally
        {
            Kill(process);
        }

        using var reader = _test.Store.OpenStream(stream.Id);
        using var again = await reader.ReadAsync(Token);
        Assert.Equal([1], Values(again!)); // given to the one that died, and not done with
        using var last = await reader.ReadAsync(Token);
        Assert.Equal([2], Values(last!));
    }

    [Fact]
    public void What_a_killed_writer_left_is_swept()
    {
        using var process = ChildProcess.StartStreamWriter(_test.Directory);
        _test.Store.Sweep();
        Assert.Equal(2, Directory.GetFiles(Folder).Length);
        Kill(process);
        File.WriteAllText(Path.Combine(Folder, "00000000000000000000000000000001.stream"), "of one that died while it began");
        File.WriteAllText(Path.Combine(Folder, "00000000000000000000000000000002.0.reader"), "");
        _test.Store.Sweep();
        Assert.Empty(Directory.GetFiles(Folder));
        Assert.Empty(_test.Store.List());
    }

    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef")]
    [InlineData("../../etc/passwd")]
    [InlineData("")]
    public void There_is_no_stream_of_another_name(string id) =>
        Assert.Equal(ErrorCodes.ObjectNotFound, Assert.Throws<GristmillException>(() => _test.Store.OpenStream(id)).Code);

    [Fact]
    public void What_is_no_stream_is_refused()
    {
        Directory.CreateDirectory(Folder);
        string id = Guid.NewGuid().ToString("n");
        foreach (byte[] content in (byte[][])[[], new byte[100], new byte[8192], [.. "GRTSTRM1"u8, .. Enumerable.Repeat((byte)0xff, 8192)]])
        {
            File.WriteAllBytes(Path.Combine(Folder, id + ".stream"), content);
            Assert.Equal(ErrorCodes.Corrupt, Assert.Throws<GristmillException>(() => _test.Store.OpenStream(id)).Code);
        }
    }

    [Fact]
    public void Readers_and_bytes_have_bounds()
    {
        foreach (var options in (ObjectStreamOptions[])[new() { Readers = 0 }, new() { Readers = 33 }, new() { MaxUnreadBytes = -1 }])
        {
            Assert.Equal(ErrorCodes.Invalid, Assert.Throws<GristmillException>(() => _test.Store.CreateStream(Schema, options)).Code);
        }

        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public async Task Many_readers_get_every_part_once_while_it_is_written()
    {
        const int readers = 5, parts = 2_000;
        using var stream = _test.Store.CreateStream(Schema, new ObjectStreamOptions { Readers = readers, MaxUnreadBytes = 64 << 10 });
        var sums = Enumerable.Range(0, readers).Select(i => Task.Run(async () =>
        {
            using var reader = _test.Store.OpenStream(stream.Id);
            var seen = new List<long>();
            await foreach (var lease in reader.ReadAllAsync(Token))
            {
                using (lease)
                {
                    seen.AddRange(Values(lease));
                }
            }

            return seen;
        }, Token)).ToArray();
        for (int i = 0; i < parts; i++)
        {
            await stream.WriteAsync(Rows(1, i), Token);
        }

        stream.Complete();
        foreach (var seen in await Task.WhenAll(sums))
        {
            Assert.Equal(Enumerable.Range(0, parts).Select(static i => (long)i), seen);
        }

        stream.Dispose();
        Assert.Empty(_test.Store.List());
        Assert.Empty(Directory.GetFiles(Folder));
    }

    private static IEnumerable<long> Values(ObjectLease lease) => lease.Batches.SelectMany(static batch => ((Int64Array)batch.Column(0)).Values.ToArray());

    private static void Kill(Process process)
    {
        process.Kill();
        process.WaitForExit();
    }
}
