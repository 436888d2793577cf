namespace Gristmill.Cli.Infrastructure;

/// <summary>Finds the silo's program and the source tree.</summary>
internal static class SiloProgram
{
    private const string File = "Gristmill.Silo.dll";

    /// <summary>The silo's assembly.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.FileNotFound"/>: it is nowhere.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable("GRISTMILL_SILO") is { Length: > 0 } given)
        {
            return System.IO.File.Exists(given)
                ? Path.GetFullPath(given)
                : throw new GristmillException(ErrorCodes.FileNotFound, $"GRISTMILL_SILO names '{given}', which does not exist.", $"Name the path of {File}.");
        }

        return Place()
            ?? throw new GristmillException(ErrorCodes.FileNotFound, $"{File} is not beside this program.",
                "'mill up' or 'mill dev' prepares it from its packages; or set GRISTMILL_SILO to its path.");
    }

    /// <summary>Sees to it that <see cref="Find"/> finds it: prepares it from its packages where it is nowhere.</summary>
    /// <exception cref="GristmillException">As of <see cref="Find"/> and of <see cref="PackagedSilo.PrepareAsync"/>.</exception>
    public static async Task EnsureAsync(CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable("GRISTMILL_SILO") is not { Length: > 0 } && Place() is null)
        {
            await PackagedSilo.PrepareAsync(cancellationToken);
        }
    }

    private static string? Place()
    {
        var here = AppContext.BaseDirectory;
        // Beside this program, or in a neighbouring folder: as the launcher publishes them, or as a build leaves them; or prepared from packages.
        string[] places =
        [
            Path.Combine(here, File),
            Path.Combine(here, "..", "Gristmill.Silo", File),
            Path.Combine(here, "..", "..", "Gristmill.Silo", Path.GetFileName(Path.TrimEndingDirectorySeparator(here)), File),
            PackagedSilo.Program,
        ];
        return places.Where(System.IO.File.Exists).Select(Path.GetFullPath).FirstOrDefault();
    }

    /// <summary>The source tree: GRISTMILL_HOME, or the folder above this program that holds the launcher.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.FileNotFound"/>: this is an installed program.</exception>
    public static string Home()
    {
        if (Environment.GetEnvironmentVariable("GRISTMILL_HOME") is { Length: > 0 } home)
        {
            return home;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (System.IO.File.Exists(Path.Combine(folder.FullName, "Pipelines.sln")))
            {
                return folder.FullName;
            }
        }

        throw new GristmillException(ErrorCodes.FileNotFound, "This needs the source tree, and this program is not in one.",
            "Run it as ./mill in a clone, or set GRISTMILL_HOME to it.");
    }
}
