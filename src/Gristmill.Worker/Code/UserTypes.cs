using System.Collections.Concurrent;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>
/// Finds the types of users' own models. Their code stays loaded as long as the process: a loaded model may be asked at any time.
/// </summary>
/// <param name="content">Where code packages are; null: only the running program's types are found.</param>
internal sealed class UserTypes(ContentStore? content)
{
    private readonly ConcurrentDictionary<string, Lazy<UserCode>> _loaded = new(StringComparer.Ordinal);

    /// <summary>Finds a type by its assembly-qualified name.</summary>
    /// <param name="name">Assembly-qualified; the version does not matter.</param>
    /// <param name="code">The package that has it, or null for the running program.</param>
    /// <returns>The type, or null if there is none.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.CodeLoad"/>, <see cref="ErrorCodes.NotFound"/>: the package or assembly is not there.</exception>
    public Type? Find(string name, CodeRef? code)
    {
        if (code is null || content is null)
        {
            return Type.GetType(name, static assembly => UserCode.OfThisProcess(assembly.Name).Assembly(null), null, throwOnError: false);
        }

        var user = _loaded.GetOrAdd(code.Digest, _ => new Lazy<UserCode>(() => UserCode.Load(content, code))).Value;
        return Type.GetType(name, assembly => user.Assembly(assembly.Name), null, throwOnError: false);
    }
}
