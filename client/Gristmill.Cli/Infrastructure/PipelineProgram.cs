using System.Text.RegularExpressions;
using Spectre.Console;

namespace Gristmill.Cli.Infrastructure;

/// <summary>A user's program that defines a pipeline: a C# file, a project, or an assembly.</summary>
internal sealed partial class PipelineProgram
{
    private readonly string _path;
    private string? _target;

    private PipelineProgram(string path) => _path = path;

    public string Name => Path.GetFileName(_path);

    /// <summary>Where its sources are.</summary>
    public string Folder => Path.GetDirectoryName(_path)!;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.FileNotFound"/> or <see cref="ErrorCodes.Invalid"/>.</exception>
    public static PipelineProgram Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"There is no file '{path}'.", "Name a C# file that ends in 'return await Mill.RunAsync(pipeline, args);'.");
        }

        return Path.GetExtension(path) is ".cs" or ".csproj" or ".dll"
            ? new PipelineProgram(Path.GetFullPath(ProjectOf(path) ?? path))
            : throw new GristmillException(ErrorCodes.Invalid, $"'{path}' is no C# file, project or assembly.", "Name a .cs, .csproj or .dll file.");
    }

    /// <summary>Builds it; what is unchanged takes a second.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it does not compile; the compiler's errors are in the details.</exception>
    public async Task BuildAsync(CancellationToken cancellationToken)
    {
        if (_path.EndsWith(".dll", StringComparison.Ordinal))
        {
            return;
        }

        var (exitCode, output) = await Dotnet.CaptureAsync(["build", _path, "-c", "Release", "-v", "quiet", "-nologo", "-clp:NoSummary"], cancellationToken);
        if (exitCode != 0)
        {
            var errors = output.Split('\n').Select(line => ProjectSuffix().Replace(line.Trim(), "")).Where(line => line.Contains("error", StringComparison.Ordinal))
                .Distinct(StringComparer.Ordinal).Take(20).ToList();
            throw new GristmillException(ErrorCodes.Invalid, $"{Name} does not compile.", "Correct the errors above.")
                .With("errors", errors.Count > 0 ? string.Join('\n', errors) : output.Trim());
        }
    }

    /// <summary>The arguments of dotnet that run the built program at once, without asking MSBuild first.</summary>
    public async Task<IEnumerable<string>> DirectCommandAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        if (_target is null)
        {
            var (exitCode, answer) = await Dotnet.CaptureAsync(["build", _path, "-c", "Release", "--no-restore", "-getProperty:TargetPath"], cancellationToken);
            _target = exitCode == 0 && answer.Trim() is var path && File.Exists(path) ? path : "";
        }

        return _target.Length > 0 ? [_target, .. arguments] : Command(arguments);
    }

    /// <summary>The arguments of dotnet that run the built program.</summary>
    public IEnumerable<string> Command(IEnumerable<string> arguments) => Path.GetExtension(_path) switch
    {
        ".dll" => [_path, .. arguments],
        ".csproj" => ["run", "--project", _path, "-c", "Release", "--no-build", "--", .. arguments],
        _ => ["run", "--file", _path, "-c", "Release", "--no-build", "--", .. arguments],
    };

    /// <summary>The project that a file belongs to: the only one in its folder, unless the file says itself what it needs.</summary>
    private static string? ProjectOf(string file)
    {
        if (Path.GetExtension(file) != ".cs" || File.ReadLines(file).TakeWhile(line => line.Length == 0 || line[0] is '#' or '/').Any(line => line.StartsWith("#:", StringComparison.Ordinal)))
        {
            return null;
        }

        return Directory.GetFiles(Path.GetDirectoryName(Path.GetFullPath(file))!, "*.csproj") is [var project] ? project : null;
    }

    /// <summary>Builds with a word about it, on a terminal or in a log, and shows the compiler's errors.</summary>
    public static async Task<PipelineProgram> BuildAsync(string path, IAnsiConsole console, CancellationToken cancellationToken)
    {
        var program = Open(path);
        try
        {
            if (console.Profile.Capabilities.Interactive && console.Profile.Capabilities.Ansi)
            {
                await console.Status().StartAsync($"Building {Markup.Escape(program.Name)} ...", _ => program.BuildAsync(cancellationToken));
            }
            else
            {
                // A spinner says nothing to a file; standard output is the answer's, which may be JSON.
                await Console.Error.WriteLineAsync($"Building {program.Name} ...");
                await program.BuildAsync(cancellationToken);
            }
        }
        catch (GristmillException e) when (e.Error.Details.TryGetValue("errors", out var errors))
        {
            await Console.Error.WriteLineAsync(errors);
            throw;
        }

        return program;
    }

    [GeneratedRegex(@"\s\[[^\]]*proj\]$")]
    private static partial Regex ProjectSuffix();
}
