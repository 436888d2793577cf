using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Objects;
using Gristmill.Worker.TestCode;

namespace Gristmill.Worker.Tests;

/// <summary>Stores in folders of their own, with the test stages uploaded; gone when disposed.</summary>
public sealed class Mill : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gm-worker-").FullName;
    private readonly Lazy<CodeRef> _code;

    public Mill()
    {
        Objects = ObjectStore.Open(new ObjectStoreOptions { Directory = System.IO.Path.Combine(_root, "objects"), CapacityBytes = 256 << 20 });
        Content = new ContentStore(System.IO.Path.Combine(_root, "content"));
        _code = new Lazy<CodeRef>(Upload);
    }

    public ObjectStore Objects { get; }

    public ContentStore Content { get; }

    public StageFiles Files => field ??= new StageFiles(Path("stages"), new StageFilesOptions { HeadBytes = 256 << 10, TailBytes = 64 << 10 });

    public CodeRef Code => _code.Value;

    /// <summary>All that an attempt printed and that is kept, once it has ended.</summary>
    public string Log(StageRequest request)
    {
        var stage = new StageOrigin(request.RunId, request.Stage);
        var kept = Files.KeepLog(stage, request.Attempt);
        var text = "";
        for (long offset = 0; kept is not null && offset < kept.Bytes;)
        {
            var page = Files.ReadLog(stage, request.Attempt, kept, offset, 1 << 20)!;
            text += page.Text;
            offset = page.Next;
        }

        return text;
    }

    public string Path(string name) => System.IO.Path.Combine(_root, name);

    public static StageRequest NoOp(string stage = "nothing") => Request(stage, StageOperations.NoOp, "{}");

    public static StageRequest Request(string stage, string operation, string options) => new()
    {
        RunId = "run-1",
        Stage = stage,
        Attempt = 1,
        Epoch = 1,
        Operation = operation,
        Options = options,
    };

    /// <summary>A call of a test stage.</summary>
    public StageRequest Call(string method, object? arguments = null) =>
        Call(new CodeCallOptions
        {
            Type = typeof(TestStages).FullName!,
            Method = method,
            Arguments = JsonSerializer.SerializeToElement(arguments ?? new { }).EnumerateObject().ToImmutableDictionary(p => p.Name, p => p.Value),
        });

    public StageRequest Call(CodeCallOptions options) =>
        Request(options.Method.ToLower(CultureInfo.InvariantCulture), StageOperations.Code, JsonSerializer.Serialize(options, StageJson.Options)) with { Code = Code };

    public void Dispose()
    {
        Objects.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private CodeRef Upload()
    {
        var assembly = typeof(TestStages).Assembly.Location;
        var staged = Content.Stage();
        foreach (var file in new[] { assembly, System.IO.Path.ChangeExtension(assembly, ".pdb") })
        {
            File.Copy(file, System.IO.Path.Combine(staged, System.IO.Path.GetFileName(file)));
        }

        return new CodeRef(Content.Commit(staged).Digest, System.IO.Path.GetFileName(assembly));
    }
}
