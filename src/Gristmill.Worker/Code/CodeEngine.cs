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
    public IReadOnlyDictionary<string, Type> Operations { get; } = new Dictionary<string, Type> { [StageOperations.Code] = typeof(CodeCallOptions) };

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
        catch (FileNotFoundException e) when (IsAssembly(e, out var missing))
        {
            var asker = code.AskerOf(missing) ?? context.Request.Code?.EntryAssembly ?? options.Type;
            throw new GristmillException(ErrorCodes.CodeLoad,
                $"The assembly '{missing.Name}' (version {missing.Version}), which '{asker}' asks for, is not among the uploaded files of stage '{context.Request.Stage}'.",
                $"Upload '{missing.Name}.dll' beside '{asker}': reference it as a package or project, so that the build copies it.", e)
                .With("assembly", missing.Name!).With("askedBy", asker);
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

    /// <summary>Whether it is an assembly that was not found, and not a file that the stage wanted to open.</summary>
    private static bool IsAssembly(FileNotFoundException e, [NotNullWhen(true)] out System.Reflection.AssemblyName? name)
    {
        name = e.FileName is { } file && file.Contains("Version=", StringComparison.Ordinal) ? new System.Reflection.AssemblyName(file) : null;
        return name is not null;
    }

    private static bool IsLoadFailure(Exception e, [NotNullWhen(true)] out string? what)
    {
        what = e switch
        {
            MissingMemberException or TypeLoadException and not DllNotFoundException and not EntryPointNotFoundException => e.Message,
            System.Reflection.ReflectionTypeLoadException types => types.LoaderExceptions.FirstOrDefault()?.Message ?? types.Message,
            _ => null,
        };
        return what is not null;
    }
}
