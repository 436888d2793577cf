namespace Gristmill.Worker;

/// <summary>
/// Knows members whose result depends on more than their arguments, or whose effect a taken-over result would leave out:
/// clocks, chance, files, the network, the environment, and the run itself.
/// </summary>
internal static class CodeDoubts
{
    private static readonly HashSet<string> Members = new(StringComparer.Ordinal)
    {
        "System.DateTime::get_Now", "System.DateTime::get_UtcNow", "System.DateTime::get_Today", "System.DateTimeOffset::get_Now", "System.DateTimeOffset::get_UtcNow",
        "System.TimeProvider::get_System", "System.Guid::NewGuid", "System.Guid::CreateVersion7", "System.Random::get_Shared",
        "System.Environment::GetEnvironmentVariable", "System.Environment::GetEnvironmentVariables", "System.Environment::get_MachineName", "System.Environment::get_UserName",
        "System.Environment::get_CurrentDirectory", "System.Environment::get_TickCount", "System.Environment::get_TickCount64", "System.Environment::get_ProcessId",
        // Files and databases may hold something else the next time.
        "Gristmill.Data.DataFlow::Read", "Gristmill.Data.DataFlow::ReadSqlite", "Gristmill.Data.DataFlow::ReadSqliteQuery",
        "Gristmill.Data.DataFlow::ReadPostgres", "Gristmill.Data.DataFlow::ReadPostgresQuery",
        // And what is written elsewhere would not be.
        "Gristmill.Data.DataFlow::WriteParquetAsync", "Gristmill.Data.DataFlow::WriteCsvAsync", "Gristmill.Data.DataFlow::WriteJsonLinesAsync", "Gristmill.Data.DataFlow::WriteArrowAsync",
        "Gristmill.Data.DataFlow::WritePostgresAsync", "Gristmill.Data.StageFlowExtensions::WritePostgresAsync",
        "Gristmill.StageRequest::get_RunId", "Gristmill.StageRequest::get_Stage", "Gristmill.StageRequest::get_Attempt", "Gristmill.StageRequest::get_Epoch",
    };

    private static readonly HashSet<string> Types = new(StringComparer.Ordinal)
    {
        "System.IO.File", "System.IO.FileInfo", "System.IO.FileStream", "System.IO.Directory", "System.IO.DirectoryInfo", "System.IO.RandomAccess", "System.IO.DriveInfo",
        "System.Diagnostics.Process", "System.Security.Cryptography.RandomNumberGenerator",
        // What a stage tracks would be missing from the run that takes its result over.
        "Gristmill.Track", "Gristmill.Tracker",
    };

    private static readonly string[] Namespaces =
    [
        "System.Net.", "System.Data.", "Npgsql.", "Microsoft.Data.", "MySql", "Oracle.", "StackExchange.Redis.", "MongoDB.", "Azure.", "Amazon.", "Confluent.", "RestSharp.",
    ];

    /// <summary>What is doubtful about a member of another assembly, or null.</summary>
    /// <param name="type">The type's full name.</param>
    /// <param name="member">The member's name.</param>
    /// <param name="parameters">How many parameters it has.</param>
    public static string? Of(string type, string member, int parameters)
    {
        // A seeded generator is as good as a constant.
        var doubtful = Members.Contains($"{type}::{member}") || Types.Contains(type) || (type == "System.Random" && member == ".ctor" && parameters == 0)
            || Namespaces.Any(prefix => type.StartsWith(prefix, StringComparison.Ordinal));
        return doubtful ? $"{type}.{(member.StartsWith("get_", StringComparison.Ordinal) ? member[4..] : member == ".ctor" ? "new" : member)}" : null;
    }
}
