using System.Security.Cryptography;
using System.Text;

namespace Gristmill;

/// <summary>Names the version of a pipeline by what it says.</summary>
public static class PipelineVersion
{
    /// <summary>The first 16 hexadecimal digits of the SHA-256 of the spec's canonical JSON: equal specs, equal versions.</summary>
    public static string Of(PipelineSpec spec) => Digest(GristmillJson.Canonical(spec))[..16];

    /// <summary>The version of a spec whose canonical JSON is stored.</summary>
    public static string Of(BlobRef spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.Digest[..16];
    }

    /// <summary>SHA-256 of a text in UTF-8, 64 lower-case hexadecimal digits.</summary>
    public static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
