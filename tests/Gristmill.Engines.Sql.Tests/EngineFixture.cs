using System.Collections.Immutable;
using System.Text.Json;
using Apache.Arrow;
using DuckDB.NET.Data;
using Gristmill.Objects;

namespace Gristmill.Engines.Sql.Tests;

/// <summary>An engine with a store and a folder of its own; all of it goes when it is disposed.</summary>
internal sealed class EngineFixture : IDisposable
{
    private readonly string _objects;

    public EngineFixture(SqlEngineOptions? options = null)
    {
        Folder = Directory.CreateTempSubdirectory("gristmill-sql-tests-").FullName;
        _objects = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Folder, $"gristmill-sql-tests-{Guid.NewGuid():N}");
        Store = ObjectStore.Open(new ObjectStoreOptions { Directory = _objects });
        Engine = new SqlEngine(options ?? new SqlEngineOptions { TempDirectory = Folder });
    }

    public string Folder { get; }

    public ObjectStore Store { get; }

    public SqlEngine Engine { get; }

    public List<StageProgress> Reports { get; } = [];

    public int Threads { get; init; } = 2;

    public StageLimits Limits { get; init; } = new();

    /// <summary>Runs an operation.</summary>
    public Task<StageOutputs> RunAsync(
        string operation, object options, Dictionary<string, ObjectRef>? inputs = null, CancellationToken cancellationToken = default) =>
        ExecuteAsync(operation, options, (inputs ?? []).ToDictionary(input => input.Key, input => Artifact.Of(input.Value)), cancellationToken);

    /// <summary>Runs an operation on any artifacts.</summary>
    public Task<StageOutputs> ExecuteAsync(string operation, object options, IReadOnlyDictionary<string, Artifact> inputs, CancellationToken cancellationToken = default)
    {
        var context = new StageContext
        {
            Request = new StageRequest
            {
                RunId = "run",
                Stage = "stage",
                Attempt = 1,
                Epoch = 1,
                Operation = operation,
                Options = options as string ?? JsonSerializer.Serialize(options),
                Inputs = inputs.ToImmutableDictionary(),
                Limits = Limits,
            },
            Objects = Store,
            Content = new ContentStore(Path.Combine(Folder, "content")),
            Models = null!,
            Progress = new Collector(Reports),
            Threads = Threads,
            BaseDirectory = Folder,
        };
        return Engine.ExecuteAsync(context, cancellationToken);
    }

    /// <summary>Runs a query and returns the object.</summary>
    public async Task<ObjectRef> QueryAsync(string query, object? values = null, params (string Name, ObjectRef Dataset)[] inputs) =>
        (await RunAsync(StageOperations.SqlQuery, new { query, values = values ?? new { } }, inputs.ToDictionary(input => input.Name, input => input.Dataset)))
            .Artifacts["out"].Dataset!;

    /// <summary>Reads files and returns the object.</summary>
    public async Task<ObjectRef> ReadAsync(object options) =>
        (await RunAsync(StageOperations.SqlRead, options)).Artifacts["out"].Dataset!;

    /// <summary>What an operation fails with.</summary>
    public async Task<GristmillException> FailAsync(string operation, object options, Dictionary<string, ObjectRef>? inputs = null) =>
        await Assert.ThrowsAsync<GristmillException>(() => RunAsync(operation, options, inputs));

    /// <summary>Runs a statement in a database beside, to write files for instance.</summary>
    public static void Duck(string sql)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>One value of the first row of a query over an object called t.</summary>
    public async Task<string?> ScalarAsync(ObjectRef dataset, string expression) => await ScalarAsync($"select ({expression})::varchar as x from t", dataset);

    public async Task<string?> ScalarAsync(string query, ObjectRef dataset)
    {
        var result = await QueryAsync(query, null, ("t", dataset));
        using var lease = Store.Get(result);
        return ((StringArray)lease.Batches[0].Column(0)).GetString(0);
    }

    public void Dispose()
    {
        Store.Dispose();
        Directory.Delete(Folder, recursive: true);
        if (Directory.Exists(_objects))
        {
            Directory.Delete(_objects, recursive: true);
        }
    }

    private sealed class Collector(List<StageProgress> reports) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            lock (reports)
            {
                reports.Add(value);
            }
        }
    }
}
