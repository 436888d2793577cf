using System.IO.MemoryMappedFiles;

namespace Gristmill.Objects.Fuzzing;

/// <summary>How far a child has come, in a mapped file: it stays when the child does not.</summary>
internal sealed class FuzzProgress : IDisposable
{
    public const int Bytes = 24;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public FuzzProgress(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, Bytes);
        _view = _file.CreateViewAccessor(0, Bytes);
    }

    /// <summary>The seed that is next, or under way.</summary>
    public long Next
    {
        get => _view.ReadInt64(0);
        set => _view.Write(0, value);
    }

    public long Accepted
    {
        get => _view.ReadInt64(8);
        set => _view.Write(8, value);
    }

    public long Findings
    {
        get => _view.ReadInt64(16);
        set => _view.Write(16, value);
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
