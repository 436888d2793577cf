using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>Digests of users' stage methods. An assembly never changes under its digest, so each is read once.</summary>
internal sealed class CodeDigests(ContentStore content)
{
    private const int MostKept = 4096;
    private const int StackBytes = 64 << 20;

    private readonly ConcurrentDictionary<string, CodeDigest> _known = new(StringComparer.Ordinal);

    /// <summary>The digest of a stage's method.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CodeLoad"/>, <see cref="ErrorCodes.NotFound"/>: the assembly, type or method is not there.</exception>
    /// <exception cref="BadImageFormatException">A file is no assembly.</exception>
    public CodeDigest Of(CodeRef? code, CodeCallOptions options)
    {
        var (path, stamp) = code is null ? Loaded(options.Assembly) : Uploaded(code, options.Assembly);
        var key = string.Join('\n', [stamp, path, options.Type, options.Method, .. options.Signature ?? []]);
        if (_known.TryGetValue(key, out var known))
        {
            return known;
        }

        var digest = OnDeepStack(() =>
        {
            using var modules = new CodeModules(path);
            return new CodeWalker(modules).Walk(options);
        });
        if (_known.Count >= MostKept)
        {
            _known.Clear();
        }

        _known[key] = digest;
        return digest;
    }

    /// <summary>Signatures nest as deep as their bytes say; on this stack the longest that is taken cannot end the process.</summary>
    private static CodeDigest OnDeepStack(Func<CodeDigest> walk)
    {
        CodeDigest? digest = null;
        ExceptionDispatchInfo? error = null;
        var thread = new Thread(Run, StackBytes) { IsBackground = true, Name = "gristmill-code-digest" };
        thread.Start();
        thread.Join();
        error?.Throw();
        return digest!;

        void Run()
        {
            try
            {
                digest = walk();
            }
#pragma warning disable CA1031 // Thrown again on the caller's thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                error = ExceptionDispatchInfo.Capture(e);
            }
        }
    }

    private (string Path, string Stamp) Uploaded(CodeRef code, string? assembly)
    {
        var name = assembly is null ? code.EntryAssembly : assembly + ".dll";
        var path = Path.Combine(content.GetPath(code.Digest), Path.GetFileName(name));
        return File.Exists(path)
            ? (path, code.Digest)
            : throw new GristmillException(ErrorCodes.CodeLoad, $"The code {code.Digest[..12]} has no assembly '{name}'.");
    }

    /// <summary>The running program's own: what is loaded must still be what lies on disk.</summary>
    private static (string Path, string Stamp) Loaded(string? name)
    {
        var assembly = UserCode.OfThisProcess(name).Assembly(name);
        if (assembly.Location.Length == 0)
        {
            throw new GristmillException(ErrorCodes.CodeLoad, $"The assembly '{assembly.GetName().Name}' is not a file.");
        }

        var loaded = assembly.ManifestModule.ModuleVersionId;
        using var module = CodeModule.Open(assembly.Location);
        return module.Id == loaded
            ? (assembly.Location, string.Create(CultureInfo.InvariantCulture, $"{loaded:n}"))
            : throw new GristmillException(ErrorCodes.CodeLoad, $"'{assembly.Location}' has changed since it was loaded.");
    }
}
