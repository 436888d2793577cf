using System.IO.MemoryMappedFiles;

namespace Gristmill.Objects.Platform.Portable;

/// <summary>A file mapped for reading by .NET's own classes.</summary>
internal sealed unsafe class PortableMappedFile : MappedFile
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;

    private PortableMappedFile(FileStream stream)
    {
        Length = stream.Length;
        if (Length == 0)
        {
            stream.Dispose();
            return;
        }

        _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        Pointer = pointer;
    }

    public static PortableMappedFile? Open(string path)
    {
        try
        {
            return new PortableMappedFile(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    public override void Prefault()
    {
        for (long at = 0; at < Length; at += Environment.SystemPageSize)
        {
            _ = Volatile.Read(ref Pointer[at]);
        }
    }

    protected override void Release()
    {
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file!.Dispose();
        }
    }
}
