using System.Collections.Immutable;
using System.Text.Json;
using Gristmill.Engines;
using Gristmill.Worker;

namespace Gristmill.Testing;

/// <summary>Calls a test's delegate in a stage's place: bound and answered by the same rules as a stage of one's own code.</summary>
internal static class Replacement
{
    public static async Task<StageOutputs> RunAsync(Delegate replacement, StageContext context, CancellationToken cancellationToken)
    {
        var call = MethodCall.Of(replacement);
        var options = Options(replacement, context.Request);
        // It takes of the inputs and arguments what it has parameters for; the stage itself would have to take all.
        using var arguments = call.Bind(context, options, cancellationToken, takesAll: false);
        return await call.InvokeAsync(arguments, context, options, cancellationToken).ConfigureAwait(false);
    }

    private static CodeCallOptions Options(Delegate replacement, StageRequest request)
    {
        if (request.Operation == StageOperations.Code)
        {
            return JsonSerializer.Deserialize<CodeCallOptions>(request.Options, GristmillJson.Options)!;
        }

        // The options of a built-in operation are its arguments.
        return new CodeCallOptions
        {
            Type = replacement.Method.DeclaringType?.FullName ?? "",
            Method = replacement.Method.Name,
            Arguments = JsonSerializer.Deserialize<ImmutableDictionary<string, JsonElement>>(request.Options, GristmillJson.Options)!,
        };
    }
}
