using System.Reflection;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>A user's assemblies, loaded; in use until released.</summary>
internal sealed class UserCode
{
    private readonly UserCodeContext? _context;
    private readonly Assembly _entry;
    private readonly Lock _gate = new();
    private int _users;
    private bool _retired;

    private UserCode(string? digest, Assembly entry, UserCodeContext? context)
    {
        Digest = digest;
        _entry = entry;
        _context = context;
    }

    /// <summary>The folder's digest, or null for code of the running program.</summary>
    public string? Digest { get; }

    /// <summary>Loads the folder of a <see cref="CodeRef"/>.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CodeLoad"/>, <see cref="ErrorCodes.NotFound"/>.</exception>
    public static UserCode Load(ContentStore content, CodeRef code)
    {
        var folder = content.GetPath(code.Digest);
        var path = Path.Combine(folder, Path.GetFileName(code.EntryAssembly));
        if (!File.Exists(path))
        {
            throw new GristmillException(ErrorCodes.CodeLoad, $"The code {code.Digest[..12]} has no assembly '{code.EntryAssembly}'.",
                $"It has: {string.Join(", ", Directory.EnumerateFiles(folder, "*.dll").Select(Path.GetFileName).Order(StringComparer.Ordinal).Take(20))}.")
                .With("assembly", code.EntryAssembly);
        }

        var context = new UserCodeContext($"code-{code.Digest[..12]}", path);
        try
        {
            return new UserCode(code.Digest, context.LoadFromAssemblyPath(path), context);
        }
        catch (Exception e) when (e is BadImageFormatException or FileLoadException)
        {
            context.Unload();
            throw new GristmillException(ErrorCodes.CodeLoad, $"'{code.EntryAssembly}' is not a .NET assembly that can be loaded here: {e.Message}",
                "Build it for .NET 10, any CPU.", e).With("assembly", code.EntryAssembly);
        }
    }

    /// <summary>The running program's own code: breakpoints hit, statics are shared.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CodeLoad"/>.</exception>
    public static UserCode OfThisProcess(string? assembly)
    {
        if (assembly is null)
        {
            return new UserCode(null, System.Reflection.Assembly.GetEntryAssembly() ?? typeof(UserCode).Assembly, null);
        }

        return new UserCode(null, FindLoaded(assembly), null);
    }

    /// <summary>Finds an assembly of this code.</summary>
    /// <param name="name">Simple name, or null for the entry assembly.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CodeLoad"/>.</exception>
    public Assembly Assembly(string? name)
    {
        if (name is null || string.Equals(_entry.GetName().Name, name, StringComparison.Ordinal))
        {
            return _entry;
        }

        if (_context is null)
        {
            return FindLoaded(name);
        }

        try
        {
            return _context.LoadFromAssemblyName(new AssemblyName(name));
        }
        catch (Exception e) when (e is IOException or BadImageFormatException or ArgumentException)
        {
            throw NoAssembly(name, e);
        }
    }

    /// <summary>The file of this code that refers to an assembly, or null.</summary>
    public string? AskerOf(AssemblyName assembly) =>
        (_context?.Assemblies ?? [_entry]).Where(a => a.GetReferencedAssemblies().Any(r => r.Name == assembly.Name)).Select(a => a.GetName().Name + ".dll").FirstOrDefault();

    /// <summary>Counts a user in, unless it is being unloaded.</summary>
    public bool TryUse()
    {
        lock (_gate)
        {
            if (_retired)
            {
                return false;
            }

            _users++;
            return true;
        }
    }

    /// <summary>Counts a user out; the last one of retired code unloads it.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _users--;
            UnloadIfDone();
        }
    }

    /// <summary>Unloads as soon as nobody uses it.</summary>
    public void Retire()
    {
        lock (_gate)
        {
            _retired = true;
            UnloadIfDone();
        }
    }

    private void UnloadIfDone()
    {
        if (_retired && _users == 0)
        {
            _context?.Unload();
        }
    }

    private static Assembly FindLoaded(string name)
    {
        var loaded = AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(a => !a.IsCollectible && a.GetName().Name == name);
        try
        {
            return loaded ?? System.Reflection.Assembly.Load(new AssemblyName(name));
        }
        catch (Exception e) when (e is IOException or BadImageFormatException or ArgumentException)
        {
            throw NoAssembly(name, e);
        }
    }

    private static GristmillException NoAssembly(string name, Exception inner) =>
        new GristmillException(ErrorCodes.CodeLoad, $"There is no assembly '{name}' in the stage's code.",
            "Name the assembly without its path and extension; it must be among the uploaded files.", inner).With("assembly", name);
}
