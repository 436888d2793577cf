using System.Diagnostics.CodeAnalysis;
using Gristmill.Engines;
using Gristmill.Objects;

namespace Gristmill.Worker;

/// <summary>Runs "code.call": loads the user's assemblies, calls the method, and turns its result into outputs (<see cref="CodeCallOptions"/>).</summary>
internal sealed class CodeEngine : IStageEngine
{
    private readonly Lock _gate = new();
    private UserCode? _last;

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Operations { get; } = [StageOperations.Code];

    /// <inheritdoc/>
    public async Task<StageOutputs> ExecuteAsync(StageContext context, CancellationToken cancellationToken)
    {
        var options = context.Options<CodeCallOptions>();
        var code = Use(context.Content, context.Request.Code, options.Assembly);
        try
        {
            var call = MethodCall.Find(code.Assembly(options.Assembly), options);
            using var arguments = call.Bind(context, options, cancellationToken);
            return await call.InvokeAsync(arguments, context, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsLoadFailure(e, out var what))
        {
            throw new GristmillException(ErrorCodes.CodeLoad, $"The code of stage '{context.Request.Stage}' does not load: {what}",
                "Upload every assembly the code needs, built against this version of Gristmill.", e);
        }
        finally
        {
            code.Release();
        }
    }

    /// <summary>The code of the last call stays loaded; other code takes its place.</summary>
    private UserCode Use(ContentStore content, CodeRef? reference, string? assembly)
    {
        if (reference is null)
        {
            var own = UserCode.OfThisProcess(assembly);
            own.TryUse();
            return own;
        }

        lock (_gate)
        {
            if (_last?.Digest != reference.Digest)
            {
                var loaded = UserCode.Load(content, reference);
                _last?.Retire();
                _last = loaded;
            }

            _last.TryUse();
            return _last;
        }
    }

    private static bool IsLoadFailure(Exception e, [NotNullWhen(true)] out string? what)
    {
        what = e switch
        {
            MissingMemberException or TypeLoadException and not DllNotFoundException and not EntryPointNotFoundException => e.Message,
            System.Reflection.ReflectionTypeLoadException types => types.LoaderExceptions.FirstOrDefault()?.Message ?? types.Message,
            FileNotFoundException { FileName: { } file } when file.Contains("Version=", StringComparison.Ordinal) => e.Message,
            _ => null,
        };
        return what is not null;
    }
}
