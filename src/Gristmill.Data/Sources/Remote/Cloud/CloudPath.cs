using System.Text.RegularExpressions;

namespace Gristmill.Data.Sources.Remote.Cloud;

/// <summary>
/// Objects of a bucket or container: <c>s3://bucket/key</c>, <c>az://container/name</c>, <c>abfss://container@account.dfs.core.windows.net/name</c>. Keys stand as they are, not escaped.
/// </summary>
/// <param name="Root">What stands before the key, with its slash.</param>
/// <param name="Container">The bucket or container.</param>
/// <param name="Account">Of abfss: the account's host.</param>
/// <param name="Key">An object, a folder, or a pattern.</param>
internal sealed partial record CloudPath(string Root, string Container, string? Account, string Key)
{
    private const int LongestKey = 1024;

    public bool IsS3 => Root.StartsWith('s');

    public static bool Is(string path) => Schemes().IsMatch(path);

    /// <summary>Null: it is malformed, or has what may be a secret.</summary>
    public static CloudPath? TryParse(string text)
    {
        var match = Form().Match(text);
        if (!match.Success || match.Groups["key"].Length > LongestKey || Signature().IsMatch(text))
        {
            return null;
        }

        var root = match.Groups["scheme"].Value.ToLowerInvariant() + "://" + match.Groups["place"].Value + "/";
        return new CloudPath(root, match.Groups["container"].Value, match.Groups["account"] is { Success: true } account ? account.Value : null, match.Groups["key"].Value);
    }

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is malformed.</exception>
    public static CloudPath Parse(string text) => TryParse(text)
        ?? throw new GristmillException(ErrorCodes.Invalid, "An address in a cloud's storage is malformed; it is not shown, as it may hold a secret.",
            "Write s3://bucket/key, az://container/name or abfss://container@account.dfs.core.windows.net/name. Credentials do not stand in it: set the option Remote.Storage.");

    public override string ToString() => Root + Key;

    [GeneratedRegex("^(s3|az|abfss)://", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Schemes();

    [GeneratedRegex("""
        ^(?i:(?<scheme>s3)://(?<place>(?<container>[a-z0-9][a-z0-9._-]{1,254}))
        |(?<scheme>az)://(?<place>(?<container>[a-z0-9$-]{1,63}))
        |(?<scheme>abfss)://(?<place>(?<container>[a-z0-9$-]{1,63})@(?<account>[a-z0-9]{3,24}\.dfs\.[a-z0-9.-]{1,100})))
        (/(?<key>.*))?$
        """, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.IgnorePatternWhitespace | RegexOptions.NonBacktracking)]
    private static partial Regex Form();

    // Somebody may have signed it as if it were a web server's.
    [GeneratedRegex("[?&](sig|X-Amz-[A-Za-z-]+|AWSAccessKeyId|Signature)=", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Signature();
}
