using DuckDB.NET.Data;
using Gristmill.Data.Interop;
using Gristmill.Objects;

namespace Gristmill.Data.Tests;

/// <summary>A folder and a store; all of it goes when it is disposed.</summary>
internal sealed class FlowFixture : IDisposable
{
    private readonly string _objects;

    static FlowFixture() => FlowMemory.Poison = true;

    public FlowFixture()
    {
        Folder = Directory.CreateTempSubdirectory("gristmill-data-tests-").FullName;
        _objects = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Folder, $"gristmill-data-tests-{Guid.NewGuid():N}");
        Store = ObjectStore.Open(new ObjectStoreOptions { Directory = _objects });
    }

    public string Folder { get; }

    public ObjectStore Store { get; }

    public FlowOptions Options => new() { MemoryLimit = 128 << 20, Workers = 3, BaseDirectory = Folder, TempDirectory = Folder };

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>Runs a statement in a database beside, to write files for instance.</summary>
    public static void Duck(string sql)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Writes a file of numbers i from 0, x = i / 4, and a name.</summary>
    public string Numbers(string name, int rows, int first = 0, string options = "")
    {
        Duck($"copy (select (i + {first})::int as i, (i + {first}) / 4.0::double as x, 'name ' || ((i + {first}) % 100) as name from range({rows}) r(i)) to '{File(name)}' {options}");
        return File(name);
    }

    public DataFlow Read(string path, FileReadOptions? options = null) => DataFlow.Read(path, options).With(Options);

    /// <summary>What an await fails with.</summary>
    public static async Task<GristmillException> FailAsync(Func<Task> work) => await Assert.ThrowsAsync<GristmillException>(work);

    public void Dispose()
    {
        Store.Dispose();
        Directory.Delete(Folder, recursive: true);
        if (Directory.Exists(_objects))
        {
            Directory.Delete(_objects, recursive: true);
        }
    }
}

internal readonly record struct Number(int I, double X, string Name);

internal readonly record struct Pair(long I, double Twice);
