using System.Diagnostics.CodeAnalysis;
using Gristmill.Data.Sources.Remote.Cloud;

namespace Gristmill.Data.Sources.Remote;

/// <summary>Addresses of remote files. User, password, query and fragment may hold secrets, so no message and no column has them.</summary>
internal static class Addresses
{
    /// <summary>Whether a path is an address, not a file's name.</summary>
    public static bool Is(string path) => IsWeb(path) || CloudPath.Is(path);

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is malformed.</exception>
    public static Uri Parse(string path) => TryParse(path, out var address)
        ? address
        : throw new GristmillException(ErrorCodes.Invalid, "An address of a remote file is malformed; it is not shown, as it may hold a password.", "Write https://host/path; escape what stands for itself.");

    /// <summary>A path as messages show it.</summary>
    public static string Show(string path) =>
        CloudPath.Is(path) ? CloudPath.TryParse(path)?.ToString() ?? "a malformed address"
        : !IsWeb(path) ? path
        : TryParse(path, out var address) ? Show(address) : "a malformed address";

    /// <summary>An address without what may be secret.</summary>
    public static string Show(Uri address) => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped) + (address.Query.Length > 1 ? "?..." : "");

    /// <summary>The last part of its path, which says the format; of other paths the path.</summary>
    public static string FileName(string path) =>
        CloudPath.Is(path) ? path.TrimEnd('/').Split('/')[^1]
        : IsWeb(path) && TryParse(path, out var address) ? Uri.UnescapeDataString(address.Segments[^1]) : path;

    /// <summary>The folder that a file is in; empty: none.</summary>
    public static string Folder(string path)
    {
        var cloud = CloudPath.Is(path);
        var parts = (IsWeb(path) ? new Uri(path).LocalPath : path).Split('/');
        // Behind scheme and container.
        return parts.Length > (cloud ? 4 : 1) ? parts[^2] : "";
    }

    private static bool IsWeb(string path) => path.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || path.StartsWith("http://", StringComparison.OrdinalIgnoreCase);

    private static bool TryParse(string path, [NotNullWhen(true)] out Uri? address) => Uri.TryCreate(path, UriKind.Absolute, out address) && address.Host.Length > 0;
}
