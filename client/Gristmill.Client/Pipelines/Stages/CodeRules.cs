using System.Reflection;

namespace Gristmill;

/// <summary>Which delegates can run elsewhere: those that need nothing but their arguments.</summary>
internal static class CodeRules
{
    public static void RequireStateless(Delegate stage, string name)
    {
        var method = stage.Method;
        if (method.IsGenericMethod || method.DeclaringType is null or { IsGenericType: true })
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{name} is generic or made at run time, so a worker cannot find it by name.",
                "Write a plain static method that calls it.");
        }

        if (stage.GetInvocationList().Length > 1)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{name} is several methods in one delegate.", "Make each a stage of its own.");
        }

        if (stage.Target is not { } target)
        {
            return;
        }

        var type = target.GetType();
        if (type != method.DeclaringType || !type.Name.StartsWith("<>c", StringComparison.Ordinal))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"{name} is an instance method of {type.Name}, and a worker has no such object.",
                "Make it static and pass what it needs as arguments.");
        }

        var fields = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        if (fields.Length > 0)
        {
            // Fields of the compiler's own, such as cached delegates and outer closures, have '<' in their names.
            var captured = fields.Where(f => f.Name == "<>4__this" || !f.Name.Contains('<', StringComparison.Ordinal))
                .Select(f => f.Name == "<>4__this" ? "this" : f.Name).DefaultIfEmpty("variables of an outer scope").ToArray();
            throw new GristmillException(ErrorCodes.Invalid, $"{name} captures {string.Join(", ", captured)}, which a worker does not have.",
                "Add a parameter for each and pass it: p.Run(stage, table, value).").With("captured", string.Join(",", captured));
        }
    }
}
