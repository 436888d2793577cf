namespace Gristmill.Storage.Sqlite;

/// <summary>A database file in a folder of its own, removed when disposed.</summary>
internal sealed class TempDatabase : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gristmill-sqlite-").FullName;

    public string File => System.IO.Path.Combine(_folder, "sub", "gristmill.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
